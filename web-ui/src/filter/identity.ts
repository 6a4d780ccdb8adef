// Reserved identities by name, as the command line knows them.

const RESERVED: Readonly<Record<string, number>> = {
  unknown: 0,
  host: 1,
  world: 2,
  unmanaged: 3,
  health: 4,
  init: 5,
  'remote-node': 6,
  'kube-apiserver': 7,
  ingress: 8,
  'world-ipv4': 9,
  'world-ipv6': 10,
};

/** A number or a reserved name, with or without `reserved:`. */
export function parseIdentity(text: string): number | undefined {
  const named = RESERVED[text.replace(/^reserved:/, '')];
  if (named !== undefined) return named;
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** `world`, or `ID:256`. */
export function identityText(identity: number): string {
  for (const [name, number] of Object.entries(RESERVED)) if (number === identity) return name;
  return `ID:${identity}`;
}
