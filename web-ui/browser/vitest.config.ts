// Tests in a real browser against a real relay. `tests/kernel/page` starts the cluster and then this; it says where it is.
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** By name, so that two runs are the same run. */
class ByName extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files.toSorted((a, b) => a.moduleId.localeCompare(b.moduleId)));
  }
}

export default defineConfig({
  test: {
    include: ['browser/**/*.test.ts'],
    environment: 'node',
    // There is one cluster, and each test may stop its traffic.
    fileParallelism: false,
    sequence: { sequencer: ByName },
    // A machine may be slow; no test is about time.
    expect: { poll: { timeout: 30_000 } },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['verbose'],
  },
});
