// The run's event stream: reconnects by itself, and knows when the signal is lost.
const LOST_MS = 1500; // six heartbeats of the server, or as long without a sample
const DEAD_MS = 4000; // an open connection that says nothing for so long is closed and opened anew
const RETRY_MS = 700;
const LOOK_MS = 100;
const ROWS_KEPT = 2400;
const WITH_SAMPLES = new Set(["STANDING", "READY", "RUNNING"]);

export class Stream extends EventTarget {
  constructor(view) {
    super();
    this.view = view;
    this.hello = null;
    this.now = null;
    this.rows = []; // the newest steps, columns as in hello.columns
    this.next = 0; // serial number of the step that comes next
    this.boot = "";
    this.lost = null;
    this.heard = performance.now();
    this.connect();
    setInterval(() => this.watch(), LOOK_MS);
  }

  connect() {
    this.source?.close();
    clearTimeout(this.again);
    const after = this.boot ? `&after=${this.boot}-${this.next}` : "";
    this.source = new EventSource(`/events?view=${this.view}${after}`);
    this.opened = performance.now();
    for (const name of ["hello", "now", "steps", "log", "sums"]) {
      this.source.addEventListener(name, (event) => this.receive(name, JSON.parse(event.data)));
    }
    this.source.onerror = () => {
      if (this.source.readyState === EventSource.CLOSED) this.again = setTimeout(() => this.connect(), RETRY_MS);
    };
  }

  receive(name, body) {
    this.heard = performance.now();
    if (name === "hello") {
      if (body.boot !== this.boot) {
        this.rows = [];
        this.next = body.first;
        this.boot = body.boot;
        this.dispatchEvent(new CustomEvent("fresh"));
      }
      this.hello = body;
    }
    if (name === "now") {
      this.now = body;
      this.watch();
    }
    if (name === "steps") {
      if (body.boot !== this.boot) return;
      const news = body.rows.slice(Math.max(0, this.next - body.first));
      this.rows.push(...news);
      if (this.rows.length > ROWS_KEPT) this.rows.splice(0, this.rows.length - ROWS_KEPT);
      this.next = Math.max(this.next, body.first + body.rows.length);
    }
    this.dispatchEvent(new CustomEvent(name, { detail: body }));
  }

  // Tell whether the numbers shown are of now: "server" if nothing comes, "samples" if the pods are silent.
  watch() {
    const quiet = performance.now() - this.heard;
    let lost = null;
    if (quiet > LOST_MS) lost = "server";
    else if (this.now && WITH_SAMPLES.has(this.now.phase) && this.now.silent_s !== null && this.now.silent_s * 1000 + quiet > LOST_MS) lost = "samples";
    if (lost === "server" && this.now?.phase === "ENDED") lost = "ended";
    if (quiet > DEAD_MS && performance.now() - this.opened > DEAD_MS) this.connect();
    if (lost !== this.lost) {
      this.lost = lost;
      this.dispatchEvent(new CustomEvent("lost", { detail: lost }));
    }
  }

  column(name) {
    return this.hello.columns.indexOf(name);
  }
}

export async function press(path, body = {}) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  } catch {
    throw new Error("Soleus does not answer; try again.");
  }
  if (!answer.ok) throw new Error((await answer.text()).trim());
}
