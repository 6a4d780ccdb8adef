// The box beside the pointer. It follows every move, so it is written to directly, not through React.

export class HoverBox {
  private text = '';

  constructor(private readonly box: HTMLElement) {}

  /** x and y are of the element that the box lies in. */
  show(x: number, y: number, title: string, lines: readonly string[]): void {
    const text = [title, ...lines].join('\n');
    if (text !== this.text) {
      this.text = text;
      const heading = document.createElement('strong');
      heading.textContent = title;
      this.box.replaceChildren(heading, ...lines.map(paragraph));
    }
    this.box.hidden = false;
    const room = this.box.parentElement!;
    const { offsetWidth: width, offsetHeight: height } = this.box;
    // On the side with room; never under the pointer.
    const left = x + 16 + width > room.clientWidth ? x - width - 12 : x + 16;
    const top = y + 16 + height > room.clientHeight ? y - height - 12 : y + 16;
    this.box.style.left = `${Math.max(4, left)}px`;
    this.box.style.top = `${Math.max(4, top)}px`;
  }

  hide(): void {
    this.box.hidden = true;
  }
}

function paragraph(text: string): HTMLElement {
  const line = document.createElement('div');
  line.textContent = text;
  return line;
}
