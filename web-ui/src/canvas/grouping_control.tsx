// Chooses what nodes are, and what their edges are measured in.
import { useMemo } from 'react';
import type { Grouping } from '../model/group_series';
import type { Measure, Picture } from '../model/picture';
import { usePicture } from '../model/use_picture';
import { usePlace } from '../place/use_place';
import { labelKeys } from './label_keys';
import { MEASURE_WORDS } from './rate';

function textOf(grouping: Grouping): string {
  return grouping.by === 'label' ? `label:${grouping.key}` : grouping.by;
}

function groupingOf(text: string): Grouping {
  if (text.startsWith('label:')) return { by: 'label', key: text.slice(6) };
  return { by: text === 'workload' || text === 'identity' ? text : 'namespace' };
}

export function useLabelKeys(picture: Picture): readonly string[] {
  const { series } = picture;
  return useMemo(() => labelKeys(series), [series]);
}

export function GroupingControl() {
  const [place, change] = usePlace();
  const keys = useLabelKeys(usePicture());
  const now = textOf(place.grouping);
  const chosen = place.grouping.by === 'label' ? place.grouping.key : '';
  return (
    <label>
      Group by
      <select
        value={now}
        onChange={(event) => change({ grouping: groupingOf(event.target.value), expanded: [], edge: undefined })}
      >
        <option value="namespace">namespace</option>
        <option value="workload">workload</option>
        <option value="identity">identity</option>
        <optgroup label="label">
          {(chosen && !keys.includes(chosen) ? [chosen, ...keys] : keys).map((key) => (
            <option key={key} value={`label:${key}`}>
              {key}
            </option>
          ))}
        </optgroup>
      </select>
    </label>
  );
}

export function MeasureControl() {
  const [place, change] = usePlace();
  return (
    <label>
      Show
      <select
        value={place.measure}
        onChange={(event) => change({ measure: event.target.value as Measure }, { replace: true })}
      >
        {Object.entries(MEASURE_WORDS).map(([measure, words]) => (
          <option key={measure} value={measure}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}
