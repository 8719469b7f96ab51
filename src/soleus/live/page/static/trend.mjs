// Steps of the stream as points of a chart.

// Smallest range of each quantity's axis, in SI: about what changes from step to step.
const LEAST = {
  cadence_spm: 8,
  achilles_impulse_bws: 0.06,
  contact_time_s: 0.02,
  vertical_oscillation_m: 0.01,
  overstride_m: 0.03,
  foot_strike_angle_deg: 6,
  duty_factor: 0.03,
  step_length_m: 0.08,
  speed_mps: 0.4,
  achilles_peak_bw: 0.5,
  peak_force_bw: 0.2,
  flight_time_s: 0.03,
};

export function least(name) {
  return LEAST[name] ?? 1;
}

// [left, right] points [seconds before now, value] of the last span_s seconds.
export function points(stream, name, span_s) {
  const column = stream.column(name);
  const made = [[], []];
  if (column < 0 || !stream.now) return made;
  const now = stream.now.now_s;
  for (let i = stream.rows.length - 1; i >= 0; i--) {
    const row = stream.rows[i];
    const ago = row[1] - now;
    if (ago < -span_s - 2) break;
    if (ago >= -span_s && row[column] !== null) made[row[0]].push([Math.min(0, ago), row[column]]);
  }
  made[0].reverse();
  made[1].reverse();
  return made;
}
