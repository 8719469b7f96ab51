// Numbers as people read them. What is not known is a dash, never a guess.
export const MISSING = "–";

export function clock(seconds) {
  if (seconds === null || seconds === undefined) return MISSING;
  const whole = Math.floor(seconds);
  const minutes = Math.floor(whole / 60);
  const two = (n) => String(n).padStart(2, "0");
  return minutes >= 60 ? `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

export function number(value, decimals = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  const text = value.toFixed(decimals);
  return text.replace("-", "−").replace(/^−(0(\.0+)?)$/, "$1");
}

export function shown(quantity, value) {
  if (value === null || value === undefined) return MISSING;
  return quantity.unit === "" ? clock(value) : number(value * quantity.factor, quantity.decimals);
}

export function percent(value, decimals = 0) {
  return value === null || value === undefined ? MISSING : `${number(value, decimals)} %`;
}

// Left minus right, in words: which side has more, and by how much.
export function difference(quantity, asymmetry) {
  if (asymmetry === null || asymmetry === undefined) return MISSING;
  const amount = quantity.signed ? number(Math.abs(asymmetry) * quantity.factor, quantity.decimals) : number(Math.abs(asymmetry), 1);
  const side = Number(amount) === 0 ? "" : asymmetry > 0 ? "L +" : "R +";
  return `${side}${amount}\u202f${quantity.signed ? quantity.unit : "%"}`;
}
