// Says which nodes have no part in what is shown.

export function Missing({ nodes }: { nodes: readonly string[] }) {
  if (nodes.length === 0) return null;
  return (
    <p className="said said-bad" role="status" data-testid="missing">
      Without {nodes.slice(0, 5).join(', ')}
      {nodes.length > 5 && ` and ${nodes.length - 5} more`}, which could not be asked.
    </p>
  );
}
