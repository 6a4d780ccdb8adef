// Numbers are resolved to names; names are told apart; another epoch voids all.
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { DropReason, TrafficDirection, Verdict } from '../gen/flow/flow_pb';
import { DefinitionsSchema, LabelSetDefinitionSchema } from '../gen/tycho/v1/dashboard_pb';
import { Definitions } from './definitions';
import { labelSetOf } from './label_set';
import { maskOf } from './mask';

const names: [string, string[], string, string[], string][] = [
  ['a workload', ['k8s:role=x'], 'shop', ['Deployment/front'], 'shop/front'],
  ['a telling label', ['k8s:role=db', 'k8s:tier=data'], 'shop', [], 'shop/db'],
  ['the better of two', ['k8s:app=a', 'k8s:role=b'], '', [], 'a'],
  ['any labels', ['k8s:x=1', 'k8s:y=2', 'k8s:z=3'], 'shop', [], 'shop/x=1,y=2'],
  ['a reserved name', ['reserved:world'], '', [], 'world'],
  ['the narrowest network', ['cidr:10.0.0.0/8', 'cidr:10.1.0.0/16', 'reserved:world'], '', [], '10.1.0.0/16'],
  ['the rest', [], '', [], 'other'],
  ['a namespace alone', ['k8s:io.kubernetes.pod.namespace=shop'], 'shop', [], 'shop/identity 256'],
];

describe('labelSetOf', () => {
  it.each(names)('names %s', (_, labels, namespace, workloads, name) => {
    const definition = create(LabelSetDefinitionSchema, { number: 1, labels, namespace, workloads, identities: [256] });
    expect(labelSetOf(definition).name).toBe(name);
  });

  it('has a key that does not depend on numbers and workloads', () => {
    const labels = ['k8s:role=db'];
    const one = labelSetOf(create(LabelSetDefinitionSchema, { number: 1, labels, namespace: 'shop' }));
    const other = labelSetOf(
      create(LabelSetDefinitionSchema, { number: 9, labels, namespace: 'shop', workloads: ['Job/x'] }),
    );
    expect(one.key).toBe(other.key);
    expect(one.key).not.toBe(
      labelSetOf(create(LabelSetDefinitionSchema, { labels: ['k8s:role=db', 'k8s:x=y'], namespace: 'shop' })).key,
    );
  });
});

const told = create(DefinitionsSchema, {
  epoch: 1n,
  labelSets: [
    { number: 1, labels: ['k8s:role=a'], namespace: 'n', identities: [256] },
    { number: 2, labels: ['k8s:role=a', 'k8s:v=2'], namespace: 'n', identities: [257] },
    { number: 3, labels: ['reserved:host'] },
  ],
  rules: [{ number: 4, description: 'P/n/x ingress[0]', section: 'ingress', index: 0 }],
  nodes: [{ number: 1, name: 'c/node' }],
  series: [
    { number: 1, source: 1, destination: 2, protocol: 6, port: 80, verdict: Verdict.FORWARDED, rule: 4, counts: true },
    {
      number: 3,
      source: 3,
      destination: 1,
      protocol: 17,
      port: 53,
      direction: TrafficDirection.EGRESS,
      verdict: Verdict.DROPPED,
      dropReason: DropReason.POLICY_DENIED,
      node: 1,
      counts: true,
    },
    { number: 5, source: 3, destination: 1, protocol: 17, port: 53, verdict: Verdict.FORWARDED, counts: true },
  ],
});

describe('Definitions', () => {
  it('resolves', () => {
    const definitions = new Definitions();
    expect(definitions.take(told)).toBe(true);
    const series = definitions.series();
    expect(series[1]).toMatchObject({
      source: { name: 'n/a (256)' },
      destination: { name: 'n/a (v=2)' },
      direction: 'ingress',
    });
    expect(series[1]?.rule).toMatchObject({ description: 'P/n/x ingress[0]', index: 0 });
    expect(series[3]).toMatchObject({
      verdict: 'dropped',
      dropReason: 'POLICY_DENIED',
      node: 'c/node',
      direction: 'egress',
    });
    expect(series[2]).toBeUndefined();
  });

  it('resolves again what is told again, and keeps the array if nothing was', () => {
    const definitions = new Definitions();
    definitions.take(told);
    const before = definitions.series();
    expect(definitions.series()).toBe(before);
    definitions.take(
      create(DefinitionsSchema, { epoch: 1n, labelSets: [{ number: 1, labels: ['k8s:role=b'], namespace: 'n' }] }),
    );
    expect(definitions.series()[1]?.source.name).toBe('n/b');
    definitions.take(create(DefinitionsSchema, { epoch: 1n, series: [{ number: 2, source: 1, destination: 3 }] }));
    expect(definitions.series()[2]?.destination.name).toBe('host');
  });

  it('forgets all with another epoch', () => {
    const definitions = new Definitions();
    definitions.take(told);
    expect(definitions.take(create(DefinitionsSchema, { epoch: 2n }))).toBe(true);
    expect(definitions.series()).toEqual([]);
  });
});

describe('maskOf', () => {
  it('hides noise, never a drop', () => {
    const definitions = new Definitions();
    definitions.take(told);
    const mask = maskOf(definitions.series(), () => true, ['dns', 'host']);
    expect([...mask.matches]).toEqual([0, 1, 0, 1, 0, 0]);
    expect([...mask.hidden]).toEqual([0, 0, 0, 0, 0, 1]);
    expect(mask.by).toBe('DNS');
  });
});
