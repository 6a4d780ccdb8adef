// Pointers, wheel and fingers on a canvas, told as pan, zoom, hover and taps.

export interface GestureListener {
  pan(x: number, y: number): void;
  zoom(x: number, y: number, factor: number): void;
  hover(x: number, y: number): void;
  leave(): void;
  tap(x: number, y: number): void;
  doubleTap(x: number, y: number): void;
}

/** A pointer that moved less than this was meant as a click. */
const TAP_DISTANCE = 5;

interface Held {
  x: number;
  y: number;
  readonly startX: number;
  readonly startY: number;
}

/** Binds the gestures; the answer unbinds them. */
export function bindGestures(canvas: HTMLCanvasElement, listener: GestureListener): () => void {
  const held = new Map<number, Held>();
  let moved = false;

  const place = (event: MouseEvent) => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0) {
      return;
    }
    const { x, y } = place(event);
    if (held.size === 0) {
      moved = false;
    }
    held.set(event.pointerId, { x, y, startX: x, startY: y });
    canvas.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent) => {
    const { x, y } = place(event);
    const pointer = held.get(event.pointerId);
    if (!pointer) {
      listener.hover(x, y);
      return;
    }
    if (Math.hypot(x - pointer.startX, y - pointer.startY) > TAP_DISTANCE) {
      moved = true;
    }
    if (held.size === 2) {
      pinch(pointer, x, y);
    } else if (moved) {
      listener.pan(x - pointer.x, y - pointer.y);
    }
    pointer.x = x;
    pointer.y = y;
  };
  const pinch = (pointer: Held, x: number, y: number) => {
    const other = [...held.values()].find((each) => each !== pointer);
    if (!other) {
      return;
    }
    moved = true;
    const before = Math.hypot(pointer.x - other.x, pointer.y - other.y);
    const after = Math.hypot(x - other.x, y - other.y);
    listener.pan((x - pointer.x) / 2, (y - pointer.y) / 2);
    listener.zoom((x + other.x) / 2, (y + other.y) / 2, after / Math.max(before, 1));
  };
  const up = (event: PointerEvent) => {
    if (held.delete(event.pointerId) && held.size === 0 && !moved && event.type === 'pointerup') {
      const { x, y } = place(event);
      listener.tap(x, y);
    }
  };
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const { x, y } = place(event);
    // Lines and pages of old wheels, pixels of the others; fingers on a pad send small steps with the control key.
    const pixels = event.deltaMode === 0 ? event.deltaY : event.deltaY * 16;
    listener.zoom(x, y, Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0015)));
  };
  const leave = () => listener.leave();
  const double = (event: MouseEvent) => {
    const { x, y } = place(event);
    listener.doubleTap(x, y);
  };

  canvas.addEventListener('pointerdown', down);
  canvas.addEventListener('pointermove', move);
  canvas.addEventListener('pointerup', up);
  canvas.addEventListener('pointercancel', up);
  canvas.addEventListener('pointerleave', leave);
  canvas.addEventListener('wheel', wheel, { passive: false });
  canvas.addEventListener('dblclick', double);
  return () => {
    canvas.removeEventListener('pointerdown', down);
    canvas.removeEventListener('pointermove', move);
    canvas.removeEventListener('pointerup', up);
    canvas.removeEventListener('pointercancel', up);
    canvas.removeEventListener('pointerleave', leave);
    canvas.removeEventListener('wheel', wheel);
    canvas.removeEventListener('dblclick', double);
  };
}
