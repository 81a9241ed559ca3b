// Points on a plane: drawn by WebGL, moved by pointer, wheel, pinch and keys.
//
// Plotly's WebGL scatter takes 0.8 s for a frame of 100,000 points where the processor draws, and compiles its code at
// run time, which the page's security policy would have to allow. This one needs neither.

import { el } from "./common.js";

const VERTEX = `
attribute vec2 position; attribute vec4 color; uniform vec2 factor; uniform vec2 shift; uniform float size;
varying vec4 shade;
void main() { gl_Position = vec4(position * factor + shift, 0.0, 1.0); gl_PointSize = size; shade = color; }`;
const FRAGMENT = `
precision mediump float; varying vec4 shade;
void main() {
  vec2 d = gl_PointCoord - 0.5;
  if (dot(d, d) > 0.25) discard;
  gl_FragColor = vec4(shade.rgb * shade.a, shade.a);
}`;
const CLICK = 5; // pixels that a click may move
const REACH = 14; // pixels from the pointer to a point that it means
const CLOSEST = 400; // how much closer than the whole one can look

export class Points {
  /**
   * @param place the element to fill
   * @param onPick called with the number of the point that is clicked
   * @param onHover called with that of the point under the pointer, or null
   * @param onView called after each change of what is seen
   */
  constructor(place, { onPick, onHover, onView }) {
    Object.assign(this, { place, onPick, onHover, onView });
    [this.x, this.y, this.colors, this.size, this.large] = [new Float32Array(), new Float32Array(), new Uint8Array(), 4, []];
    this.view = { x: 0, y: 0, zoom: 1 }; // the middle, and pixels a unit
    this.canvas = el("canvas", {});
    place.append(this.canvas);
    this.gl = this.canvas.getContext("webgl", { antialias: false, premultipliedAlpha: true });
    if (this.gl) this.prepare();
    else this.flat = this.canvas.getContext("2d");
    this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.canvas.addEventListener("webglcontextrestored", () => { this.prepare(); this.upload(); this.draw(); });
    this.listen();
    this.resize();
    new ResizeObserver(() => this.resize()).observe(place);
  }

  prepare() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.buffers = ["position", "color"].map((name, i) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      const place = gl.getAttribLocation(program, name);
      gl.enableVertexAttribArray(place);
      if (i) gl.vertexAttribPointer(place, 4, gl.UNSIGNED_BYTE, true, 0, 0);
      else gl.vertexAttribPointer(place, 2, gl.FLOAT, false, 0, 0);
      return buffer;
    });
    this.uniforms = Object.fromEntries(["factor", "shift", "size"].map((name) => [name, gl.getUniformLocation(program, name)]));
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  /** Show points at new positions, all of them in sight. */
  move(x, y) {
    [this.x, this.y] = [x, y];
    this.fit();
  }

  /**
   * Colour the points.
   * @param colors red, green, blue and opacity of each, a byte each
   * @param size their size in pixels
   * @param large numbers of points that are drawn larger, over the others
   */
  paint(colors, size, large = []) {
    Object.assign(this, { colors, size, large });
    this.upload();
    this.draw();
  }

  /** Send the points to the processor that draws: the last first, so that the first lie on top; then the large ones. */
  upload() {
    const { gl, x, y, colors, large } = this;
    if (!gl) return;
    const count = x.length + large.length;
    const [positions, shades] = [new Float32Array(2 * count), new Uint8Array(4 * count)];
    for (let k = 0; k < count; k += 1) {
      const i = k < x.length ? x.length - 1 - k : large[k - x.length];
      [positions[2 * k], positions[2 * k + 1]] = [x[i], y[i]];
      for (let c = 0; c < 4; c += 1) shades[4 * k + c] = colors[4 * i + c];
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[0]);
    gl.bufferData(gl.ARRAY_BUFFER, positions, gl.STATIC_DRAW);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[1]);
    gl.bufferData(gl.ARRAY_BUFFER, shades, gl.STATIC_DRAW);
  }

  /** Where a point is on the screen, in pixels of the element. */
  at(i) {
    const { x, y, zoom } = this.view;
    return [this.width / 2 + (this.x[i] - x) * zoom, this.height / 2 - (this.y[i] - y) * zoom];
  }

  fit() {
    let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < this.x.length; i += 1) {
      left = Math.min(left, this.x[i]);
      right = Math.max(right, this.x[i]);
      bottom = Math.min(bottom, this.y[i]);
      top = Math.max(top, this.y[i]);
    }
    if (!this.x.length) return;
    const zoom = 0.94 * Math.min(this.width / (right - left || 1), this.height / (top - bottom || 1));
    this.whole = zoom;
    this.look({ x: (left + right) / 2, y: (bottom + top) / 2, zoom });
    this.isWhole = true;
  }

  look(view) {
    this.isWhole = false;
    this.view = { ...view, zoom: Math.min(Math.max(view.zoom, this.whole / 4), this.whole * CLOSEST) };
    this.draw();
  }

  /** Look closer or from further away; the place under (px, py) stays there. */
  zoomAt(px, py, factor) {
    const { x, y, zoom } = this.view;
    const next = Math.min(Math.max(zoom * factor, this.whole / 4), this.whole * CLOSEST);
    const [dx, dy] = [px - this.width / 2, this.height / 2 - py];
    this.look({ x: x + dx / zoom - dx / next, y: y + dy / zoom - dy / next, zoom: next });
  }

  resize() {
    const before = this.seen;
    [this.width, this.height] = [this.place.clientWidth, this.place.clientHeight]; // read once: they cost a layout
    this.seen = this.width > 0 && this.height > 0;
    if (!this.seen) return;
    const scale = devicePixelRatio || 1;
    [this.canvas.width, this.canvas.height] = [Math.round(this.width * scale), Math.round(this.height * scale)];
    if (before && !this.isWhole) this.draw();
    else this.fit();
  }

  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.drawNow();
      this.onView();
    });
  }

  drawNow() {
    const { gl, canvas, view, x, large } = this;
    const count = Math.min(x.length, this.colors.length / 4);
    if (!count) return;
    const scale = devicePixelRatio || 1;
    // points grow a little as one looks closer
    const size = scale * Math.min(this.size * Math.max(1, view.zoom / this.whole) ** 0.3, 14);
    if (gl) {
      const [fx, fy] = [2 * view.zoom / this.width, 2 * view.zoom / this.height];
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.uniform2f(this.uniforms.factor, fx, fy);
      gl.uniform2f(this.uniforms.shift, -view.x * fx, -view.y * fy);
      for (const [first, number, factor] of [[0, count, 1], [count, large.length, 2.2]]) {
        gl.uniform1f(this.uniforms.size, size * factor);
        if (number) gl.drawArrays(gl.POINTS, first, number);
      }
      return;
    }
    const { flat, colors } = this;
    flat.clearRect(0, 0, canvas.width, canvas.height);
    for (let k = 0; k < count + large.length; k += 1) {
      const i = k < count ? count - 1 - k : large[k - count];
      const [px, py] = this.at(i);
      flat.fillStyle = `rgb(${colors[4 * i]} ${colors[4 * i + 1]} ${colors[4 * i + 2]} / ${colors[4 * i + 3] / 255})`;
      flat.fillRect(scale * px - size / 2, scale * py - size / 2, size, size);
    }
  }

  /** The number of the point nearest to (px, py) that the pointer reaches, else null; of equals the first. */
  nearest(px, py) {
    const { x, y, zoom } = this.view;
    const [u, v] = [x + (px - this.width / 2) / zoom, y + (this.height / 2 - py) / zoom];
    let [found, least] = [null, (REACH / zoom) ** 2];
    for (let i = 0; i < this.x.length; i += 1) {
      const [dx, dy] = [this.x[i] - u, this.y[i] - v];
      const distance = dx * dx + dy * dy;
      if (distance < least) [found, least] = [i, distance];
    }
    return found;
  }

  listen() {
    const { canvas } = this;
    const pointers = new Map();
    let moved = 0;
    const where = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      if (!pointers.size) moved = 0;
      pointers.set(event.pointerId, where(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      const [px, py] = where(event);
      const before = pointers.get(event.pointerId);
      if (!before) {
        this.onHover(this.nearest(px, py));
        return;
      }
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      pointers.set(event.pointerId, [px, py]);
      moved += Math.hypot(px - before[0], py - before[1]);
      const { x, y, zoom } = this.view;
      const part = other ? 0.5 : 1; // of two fingers each moves the middle by half
      this.look({ x: x - part * (px - before[0]) / zoom, y: y + part * (py - before[1]) / zoom, zoom });
      if (other) {
        const far = (point) => Math.max(Math.hypot(point[0] - other[0], point[1] - other[1]), 1);
        this.zoomAt((px + other[0]) / 2, (py + other[1]) / 2, far([px, py]) / far(before));
      }
      this.onHover(null);
    });
    const end = (event) => {
      if (!pointers.delete(event.pointerId) || event.type === "pointercancel" || moved > CLICK || pointers.size) return;
      const found = this.nearest(...where(event));
      if (found !== null) this.onPick(found);
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("pointerleave", () => this.onHover(null));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 1 ? 30 : event.deltaMode === 2 ? 400 : 1);
      this.zoomAt(...where(event), Math.exp(-pixels / 400));
    }, { passive: false });
    canvas.addEventListener("dblclick", (event) => this.zoomAt(...where(event), 2));
    this.place.addEventListener("keydown", (event) => {
      if (event.target !== this.place || event.ctrlKey || event.metaKey || event.altKey) return;
      const { x, y, zoom } = this.view;
      const step = 60 / zoom;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
      if (moves[event.key]) this.look({ x: x + moves[event.key][0], y: y + moves[event.key][1], zoom });
      else if (event.key === "+" || event.key === "=") this.zoomAt(this.width / 2, this.height / 2, 1.4);
      else if (event.key === "-") this.zoomAt(this.width / 2, this.height / 2, 1 / 1.4);
      else if (event.key === "0") this.fit();
      else return;
      event.preventDefault();
    });
  }
}
