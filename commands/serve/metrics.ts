import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Answered } from "../../lib/server/mod.ts";

/** Numbers for Prometheus. */
export interface Metrics {
  /** Counts an answer. */
  count(answered: Answered): void;
  /** All of them, in the text format of Prometheus. */
  text(): Promise<{ contentType: string; body: string }>;
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

/** Makes the counters of a server, all at zero. */
export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: "satchel_http_requests_total",
    help: "Requests that were answered",
    labelNames: ["method", "endpoint", "status"],
    registers,
  });
  const bytes = new Counter({
    name: "satchel_http_response_bytes_total",
    help: "Bytes of bodies, as answers have announced them",
    labelNames: ["endpoint"],
    registers,
  });
  const durations = new Histogram({
    name: "satchel_http_request_duration_seconds",
    help: "Time until answers began; an upload's body has come by then",
    labelNames: ["endpoint"],
    buckets: BUCKETS,
    registers,
  });
  gauge(registers, "satchel_http_requests_open", "Requests that are being answered", gauges.openRequests);
  gauge(registers, "process_resident_memory_bytes", "Resident memory size in bytes.", gauges.residentMemory);
  return {
    count({ method, endpoint, status, bytes: length = 0, duration }) {
      requests.inc({ method: METHODS.includes(method) ? method : "other", endpoint, status });
      bytes.inc({ endpoint }, length);
      durations.observe({ endpoint }, duration / 1000);
    },
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

function gauge(registers: Registry[], name: string, help: string, value: () => number): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(value());
    },
  });
}
