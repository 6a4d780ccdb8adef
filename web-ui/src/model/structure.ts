// Groups and edges without their counts: what of a grouping depends on definitions and filter only.
import { groupOf, type Group, type Grouping } from './groups';
import type { Picture } from './picture';
import type { LabelSet, Series } from './series';

export interface FixedEdge {
  readonly key: string;
  readonly source: Group;
  readonly destination: Group;
  readonly series: readonly Series[];
}

type OpenEdge = FixedEdge & { readonly series: Series[] };

const MOST_GROUPS = 2 ** 24;

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function inOrder(a: Group, b: Group): number {
  return compare(a.namespace || '\uffff', b.namespace || '\uffff') || compare(a.name, b.name) || compare(a.key, b.key);
}

/** The groups of label sets, in the order in which they were found. */
class Groups {
  readonly found: (Group & { members: LabelSet[] })[] = [];
  private readonly byKey = new Map<string, number>();
  private readonly bySet = new Map<LabelSet, number>();

  constructor(
    private readonly grouping: Grouping,
    private readonly open: ReadonlySet<string>,
  ) {}

  has(set: LabelSet): boolean {
    return this.bySet.has(set);
  }

  placeOf(set: LabelSet): number {
    const known = this.bySet.get(set);
    if (known !== undefined) return known;
    const outer = groupOf(set, this.grouping);
    const inside = this.open.has(outer.key) && outer.key !== set.key;
    const key = inside ? set.key : outer.key;
    let place = this.byKey.get(key);
    if (place === undefined) {
      place = this.found.length;
      this.byKey.set(key, place);
      this.found.push(
        inside
          ? { key, name: set.name, parent: outer.key, namespace: set.namespace, members: [] }
          : { key, name: outer.name, namespace: set.namespace, members: [] },
      );
    }
    this.found[place]!.members.push(set);
    this.bySet.set(set, place);
    return place;
  }
}

export class Structure {
  /** By name; the same array until there is another group. */
  groups: readonly Group[] = [];
  private readonly list: OpenEdge[] = [];
  /** By series number: 1 + place of its edge; 0: it does not count. */
  readonly edgeOf: Uint32Array;
  readonly structure: number;
  private readonly series: Picture['series'];
  /** The maps belong to the structure that has grown out of this one. */
  private hasGrown = false;

  /** `places`: of edges, by two places of groups in one number; ten thousands of joined strings would be most of the work. */
  private constructor(
    picture: Picture,
    readonly named: string,
    private readonly found: Groups,
    private readonly places: Map<number, number>,
  ) {
    this.structure = picture.structure;
    this.series = picture.series;
    this.edgeOf = new Uint32Array(picture.series.length);
  }

  get edges(): readonly FixedEdge[] {
    return this.list;
  }

  static of(picture: Picture, grouping: Grouping, expanded: readonly string[], named: string): Structure {
    const made = new Structure(picture, named, new Groups(grouping, new Set(expanded)), new Map());
    for (const one of picture.series)
      if (one && picture.matches[one.number] === 1) made.list[made.placeOf(one)]!.series.push(one);
    made.groups = [...made.found.found].sort(inOrder);
    return made;
  }

  isOf(picture: Picture, named: string): boolean {
    return this.structure === picture.structure && this.series === picture.series && this.named === named;
  }

  /** That of a picture whose structure has grown out of this one's; `undefined` if it cannot be had that way. */
  grown(picture: Picture): Structure | undefined {
    const added = picture.grown?.added.map((number) => picture.series[number]!) ?? [];
    const fresh = added.filter((one) => picture.matches[one.number] === 1);
    // Groups are never changed: pictures before have them too.
    const knows = ({ source, destination }: Series) => this.found.has(source) && this.found.has(destination);
    if (this.hasGrown || !fresh.every(knows)) return undefined;
    this.hasGrown = true;
    const next = new Structure(picture, this.named, this.found, this.places);
    for (const edge of this.list) next.list.push(edge);
    next.edgeOf.set(this.edgeOf);
    next.groups = this.groups;
    for (const one of fresh) {
      const place = next.placeOf(one);
      // Pictures before have the edge as it was.
      const edge = next.list[place]!;
      next.list[place] = { ...edge, series: [...edge.series, one] };
    }
    return next;
  }

  /** The place of its edge, which is there from now on; the series itself is still to be added. */
  private placeOf(one: Series): number {
    const source = this.found.placeOf(one.source);
    const destination = this.found.placeOf(one.destination);
    const ends = source * MOST_GROUPS + destination;
    let place = this.places.get(ends);
    if (place === undefined) {
      place = this.list.length;
      this.places.set(ends, place);
      const [from, to] = [this.found.found[source]!, this.found.found[destination]!];
      this.list.push({ key: `${from.key} ${to.key}`, source: from, destination: to, series: [] });
    }
    if (one.counts) this.edgeOf[one.number] = place + 1;
    return place;
  }
}
