"""Radio to samples: protocols of pods, treadmill and heart-rate strap, and the clock that gives samples their time.

Everything in ``protocols``, ``clock``, ``treadmill`` and ``heart_rate`` is pure: bytes and time stamps in, typed
records out, no radio and no wall clock. Only ``ble`` speaks to a Bluetooth adapter.
"""
