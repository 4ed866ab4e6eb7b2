import type { Answered } from "../server/mod.ts";

/** Numbers for Prometheus. */
export interface Metrics {
  /** Counts an answer. */
  count(answered: Answered): void;
  /** All of them, in the text format of Prometheus. */
  text(): { contentType: string; body: string };
}

/** What is asked when the numbers are. */
export interface Gauges {
  /** How many requests are being answered. */
  openRequests(): number;
  /** Memory of this process, in bytes. */
  residentMemory(): number;
}

/** The methods that are counted under their names: a client may send any word. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** In seconds: most answers take less than a millisecond until they begin, uploads as long as their bytes take. */
const BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600];

/** Values by labels, as they are written: `{endpoint="blob"}`. */
type Series = Map<string, number>;

/** Makes the counters of a server, all at zero. */
export function createMetrics(gauges: Gauges): Metrics {
  const requests: Series = new Map();
  const bytes: Series = new Map();
  const durations = new Map<string, { buckets: number[]; sum: number; count: number }>();
  return {
    count({ method, endpoint, status, bytes: length, duration }) {
      add(requests, { method: METHODS.includes(method) ? method : "other", endpoint, status: String(status) }, 1);
      add(bytes, { endpoint }, length);
      const seconds = duration / 1000;
      const seen = durations.get(endpoint) ?? { buckets: BUCKETS.map(() => 0), sum: 0, count: 0 };
      seen.buckets = seen.buckets.map((count, at) => seconds <= BUCKETS[at] ? count + 1 : count);
      seen.sum += seconds;
      seen.count++;
      durations.set(endpoint, seen);
    },
    text() {
      const histogram: Series = new Map();
      const name = "satchel_http_request_duration_seconds";
      for (const [endpoint, { buckets, sum, count }] of durations) {
        buckets.forEach((value, at) => histogram.set(`_bucket${labels({ le: String(BUCKETS[at]), endpoint })}`, value));
        histogram.set(`_bucket${labels({ le: "+Inf", endpoint })}`, count);
        histogram.set(`_sum${labels({ endpoint })}`, sum);
        histogram.set(`_count${labels({ endpoint })}`, count);
      }
      const body = [
        family("satchel_http_requests_total", "counter", "Requests that were answered", requests),
        family(
          "satchel_http_response_bytes_total",
          "counter",
          "Bytes of bodies, as answers have announced them",
          bytes,
        ),
        family(name, "histogram", "Time until answers began; an upload's body has come by then", histogram),
        gauge("satchel_http_requests_open", "Requests that are being answered", gauges.openRequests()),
        gauge("process_resident_memory_bytes", "Resident memory size in bytes.", gauges.residentMemory()),
      ].join("\n");
      return { contentType: "text/plain; version=0.0.4; charset=utf-8", body };
    },
  };
}

function add(series: Series, names: Readonly<Record<string, string>>, value: number): void {
  const key = labels(names);
  series.set(key, (series.get(key) ?? 0) + value);
}

/** None of the values comes from outside, so none needs escapes. */
function labels(names: Readonly<Record<string, string>>): string {
  return `{${Object.entries(names).map(([name, value]) => `${name}="${value}"`).join(",")}}`;
}

function gauge(name: string, help: string, value: number): string {
  return family(name, "gauge", help, new Map([["", value]]));
}

/** One metric in the text format of Prometheus, version 0.0.4. */
function family(name: string, type: string, help: string, series: Series): string {
  const lines = [...series].map(([suffix, value]) => `${name}${suffix} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}
