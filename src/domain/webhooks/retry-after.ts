const CAP_MS = 24 * 3_600_000;
/** The three forms of an HTTP date (RFC 9110 section 5.6.7): IMF-fixdate, RFC 850, asctime. */
const IMF = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}:\d{2}:\d{2}) GMT$/;
const RFC_850 = /^[A-Z][a-z]+day, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}:\d{2}:\d{2}) (\d{4})$/;

/**
 * Reads a `Retry-After` header: seconds (decimals rounded up) or an HTTP date. The wait in milliseconds, at most
 * 24 hours; 0 for a date that has passed; null for anything else, which is then ignored.
 */
export function retryAfterMs(value: string | null | undefined, nowMs: number): number | null {
  const text = value?.trim() ?? '';
  if (/^\d{1,12}(\.\d+)?$/.test(text)) return Math.min(Math.ceil(Number(text)) * 1000, CAP_MS);
  const at = httpDateMs(text, nowMs);
  return at === null ? null : Math.min(Math.max(at - nowMs, 0), CAP_MS);
}

function httpDateMs(text: string, nowMs: number): number | null {
  const imf = IMF.exec(text);
  if (imf) return utcMs(imf[1]!, imf[2]!, Number(imf[3]), imf[4]!);
  const rfc850 = RFC_850.exec(text);
  if (rfc850) return utcMs(rfc850[1]!, rfc850[2]!, fullYear(Number(rfc850[3]), nowMs), rfc850[4]!);
  const asctime = ASCTIME.exec(text);
  return asctime ? utcMs(asctime[2]!, asctime[1]!, Number(asctime[4]), asctime[3]!) : null;
}

function utcMs(day: string, month: string, year: number, time: string): number | null {
  const ms = Date.parse(`${day.trim()} ${month} ${year} ${time} GMT`);
  return Number.isNaN(ms) ? null : ms;
}

/** RFC 9110: a two-digit year more than 50 years ahead belongs to the century before. */
function fullYear(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}
