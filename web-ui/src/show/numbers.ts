// Numbers and times as people read them.

const UNITS = ['', 'k', 'M', 'G', 'T', 'P'];

/** `0`, `1,234`, `12.3k`: exact up to ten thousand. */
export function countText(count: number): string {
  if (count < 10_000) return exactText(count);
  let unit = 0;
  let value = count;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 100 ? value.toFixed(1) : value.toFixed(0)}${UNITS[unit]!}`;
}

/** Not by `Intl`, which takes a browser 25 ms to begin with. */
export function exactText(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `0.02/s`, `3.4/s`, `1.2k/s`. */
export function rateText(rate: number): string {
  if (rate === 0) return '0/s';
  if (rate < 0.01) return '<0.01/s';
  if (rate < 10) return `${rate.toFixed(rate < 1 ? 2 : 1)}/s`;
  return `${countText(Math.round(rate))}/s`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${exactText(bytes)} B`;
  let unit = -1;
  let value = bytes;
  do {
    value /= 1024;
    unit++;
  } while (value >= 1023.5 && unit < 4);
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${['KiB', 'MiB', 'GiB', 'TiB', 'PiB'][unit]!}`;
}

/** A part of a whole. Only nothing is `0 %`, and only all is `100 %`. */
export function shareText(part: number, all: number): string {
  if (all === 0) return '–';
  const share = (part / all) * 100;
  if (share === 0 || share === 100) return `${share} %`;
  if (share < 0.1) return '<0.1 %';
  if (share > 99.9) return '>99.9 %';
  return `${share < 10 ? share.toFixed(1) : share.toFixed(share > 99 ? 1 : 0)} %`;
}

/** `450 ms`, `3.2 s`, `5 min`, `2 h 10 min`, `3 d`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} d`;
}

export function agoText(ms: number, nowMs: number): string {
  const age = nowMs - ms;
  if (age < 1500) return 'now';
  return `${durationText(age)} ago`;
}

const two = (value: number) => String(value).padStart(2, '0');

/** `14:03:59`, with the day if it is another one than today. */
export function timeText(ms: number, nowMs = Date.now()): string {
  if (!ms) return '–';
  const date = new Date(ms);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (new Date(nowMs).toDateString() === date.toDateString()) return clock;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock}`;
}

/** With milliseconds, as rows of flows have it. */
export function preciseTimeText(ms: number): string {
  return `${timeText(ms)}.${String(Math.floor(ms % 1000)).padStart(3, '0')}`;
}

const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'ICMP',
  2: 'IGMP',
  6: 'TCP',
  17: 'UDP',
  58: 'ICMPv6',
  132: 'SCTP',
};

export function protocolText(protocol: number): string {
  return PROTOCOLS[protocol] ?? `protocol ${protocol}`;
}

/** `TCP 5432`, `ICMP type 8`. */
export function portText(protocol: number, port: number): string {
  const name = protocolText(protocol);
  if (protocol === 1 || protocol === 58) return `${name} type ${port}`;
  return port === 0 ? name : `${name} ${port}`;
}
