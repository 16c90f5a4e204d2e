/** What has been heard of one run: its curve, samples, saves, log and memory, gathered from its events. */

const MOST_POINTS = 3000;
const MOST_LINES = 400;

export class Run {
  /** @param {string} id of the job */
  constructor(id) {
    Object.assign(this, {
      id,
      after: 0,
      feed: "",
      steps: [],
      loss: [],
      smooth: [],
      validation: [],
      samples: [],
      advice: [],
      log: [],
      memory: 0,
      temperature: null,
      rate: 0,
      gradient: 0,
      seconds: 0,
      phase: null,
    });
  }

  /** Begin with the decimated curve that the server keeps. */
  begin({ steps = [], loss = [], smooth = [], validation = [] }) {
    Object.assign(this, {
      steps: [...steps],
      loss: [...loss],
      smooth: [...smooth],
      validation: validation.map(([step, value]) => [step, value]),
    });
  }

  /** Take in events in the order in which they came. */
  absorb(events) {
    for (const event of events) {
      this.after = event.n;
      this[`_${event.kind}`]?.(event);
      if (event.kind !== "step") this.log.push(event);
    }
    this.#shorten();
    return this;
  }

  _preparing(event) {
    this.phase = event;
  }

  /** A run that goes on from a state takes the steps after it again. */
  _started({ first_step: first = 0 }) {
    this.phase = null;
    const kept = this.steps.filter((step) => step <= first).length;
    for (const name of ["steps", "loss", "smooth"]) this[name].length = kept;
    this.validation = this.validation.filter(([step]) => step <= first);
  }

  _step({ step, loss, smooth_loss, memory_bytes, seconds, temperature = null, rates = {}, gradient_norm = 0 }) {
    const rate = Math.max(0, ...Object.values(rates));
    Object.assign(this, { memory: memory_bytes, seconds, temperature, rate, gradient: gradient_norm, phase: null });
    if (step <= (this.steps[this.steps.length - 1] ?? -1)) return;
    this.steps.push(step);
    this.loss.push(loss);
    this.smooth.push(smooth_loss);
  }

  _validated({ step, loss }) {
    if (step > (this.validation[this.validation.length - 1]?.[0] ?? -1)) this.validation.push([step, loss]);
  }

  _sample(event) {
    if (!this.samples.some((one) => one.path === event.path)) this.samples.push(event);
  }

  _advised(event) {
    this.advice = [...this.advice.filter((one) => one.code !== event.code), event];
  }

  #shorten() {
    const repeated = (event, next) =>
      event.kind === "preparing" && next?.kind === "preparing" && next.phase === event.phase;
    this.log = this.log.filter((event, n) => !repeated(event, this.log[n + 1])).slice(-MOST_LINES);
    if (this.steps.length <= MOST_POINTS) return;
    const even = (_, n) => n % 2 === 0;
    for (const name of ["steps", "loss", "smooth"]) this[name] = this[name].filter(even);
  }
}
