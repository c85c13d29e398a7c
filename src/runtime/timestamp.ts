/** The present time as RFC 3339, UTC, with nine digits after the point (microseconds are known). */
export function timestampNow(): string {
  const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
  const whole = Math.floor(microseconds / 1e6);
  const fraction = String(microseconds - whole * 1e6).padStart(6, "0");
  return `${new Date(whole * 1000).toISOString().slice(0, 19)}.${fraction}000Z`;
}
