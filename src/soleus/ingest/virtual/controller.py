"""A Bluetooth controller in software: Bumble's, with what it leaves out.

Bumble 0.0.236 repeats the advertising data as scan response, reports a fixed signal strength, never ends a cancelled
connection attempt, calls every packet completed at once, tells the peripheral a fixed connection interval and claims
radio modes that it does not serve. Its host above is used as it is.
"""

from __future__ import annotations

from typing import Final

from bumble import hci, ll
from bumble.controller import Controller, LegacyAdvertiser
from bumble.link import LocalLink

DATA_LENGTH: Final = 251
"""LE data length extension: octets of one packet, Bluetooth Core 5.4 Vol 6 Part B 4.5.10."""
DATA_TIME_US: Final = 2120
"""Time of such a packet on LE 1M [µs], same section."""
NOT_SERVED: Final = (
    hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
    | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
    | hci.LeFeatureMask.LL_PRIVACY
    | hci.LeFeatureMask.LE_2M_PHY
    | hci.LeFeatureMask.LE_CODED_PHY
)
ADVERTISING: Final = hci.HCI_LE_Advertising_Report_Event


class VirtualController(Controller):
    """One radio on a :class:`~soleus.ingest.virtual.link.TimedLink`.

    Attributes
    ----------
    rssi_dbm
        Signal strength with which others hear it [dBm].
    """

    le_features = Controller.le_features & ~NOT_SERVED
    supported_commands = Controller.supported_commands - {
        hci.HCI_LE_SET_PHY_COMMAND,
        hci.HCI_LE_SET_DEFAULT_PHY_COMMAND,
    }
    le_acl_data_packet_length = DATA_LENGTH
    supported_max_tx_octets = DATA_LENGTH
    supported_max_rx_octets = DATA_LENGTH
    suggested_max_tx_octets = DATA_LENGTH
    suggested_max_tx_time = DATA_TIME_US

    def __init__(self, name: str, link: LocalLink, address: str | None = None, rssi_dbm: int = -55) -> None:
        super().__init__(name, link=link, public_address=address)
        self.rssi_dbm = rssi_dbm
        self._fragments: dict[int, int] = {}

    # Data: packets count as completed when the other side has them.

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        """Take a fragment from the host."""
        connection = self.find_connection_by_handle(packet.connection_handle)
        if connection is None:
            return
        self._fragments[connection.handle] = self._fragments.get(connection.handle, 0) + 1
        connection.assembler.feed_packet(packet)

    def take_fragments(self, handle: int) -> int:
        """Count the fragments of the packet that was just put together."""
        return self._fragments.pop(handle, 1)

    def tell_completed(self, handle: int, fragments: int) -> None:
        """Tell the host that the other side has a packet."""
        self.send_hci_packet(
            hci.HCI_Number_Of_Completed_Packets_Event(connection_handles=[handle], num_completed_packets=[fragments])
        )

    # Scanning: scan responses and signal strength of their own.

    def on_advertising_pdu(self, pdu: ll.AdvInd | ll.AdvExtInd) -> None:
        """Report an advertisement to the host and connect if it is the one waited for."""
        advertiser = self._advertiser(pdu.advertiser_address)
        if self.le_scan_enable and advertiser is not None:
            reports = [(ADVERTISING.EventType.ADV_IND, pdu.data)]
            if self.le_scan_type:
                reports.append((ADVERTISING.EventType.SCAN_RSP, advertiser.scan_response_data))
            rssi = getattr(advertiser.controller, "rssi_dbm", 0)
            for kind, data in reports:
                report = ADVERTISING.Report(
                    event_type=kind,
                    address_type=pdu.advertiser_address.address_type,
                    address=pdu.advertiser_address,
                    data=data,
                    rssi=rssi,
                )
                self.send_hci_packet(ADVERTISING([report]))
        pending = self.pending_le_connection
        if pending is not None and pending.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def _advertiser(self, address: hci.Address) -> LegacyAdvertiser | None:
        for controller in self.link.controllers:
            if controller.le_legacy_advertiser.address == address and controller.le_legacy_advertiser.enabled:
                return controller.le_legacy_advertiser
        return None

    # Connecting.

    def on_le_connect_ind(self, packet: ll.ConnectInd) -> None:
        """Become a peripheral, with the interval that the central chose."""
        super().on_le_connect_ind(packet)
        connection = self.le_connections.get(packet.initiator_address)
        if connection is not None:
            self.send_hci_packet(
                hci.HCI_LE_Connection_Update_Complete_Event(
                    status=hci.HCI_ErrorCode.SUCCESS,
                    connection_handle=connection.handle,
                    connection_interval=packet.interval,
                    peripheral_latency=packet.latency,
                    supervision_timeout=packet.timeout,
                )
            )

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """End a connection attempt, Vol 4 Part E 7.8.13."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address.address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)
