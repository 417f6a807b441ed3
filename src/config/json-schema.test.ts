import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { jsonSchemaText } from './json-schema.ts';
import { scalingSynonyms } from './scaling.ts';

test('comfleet.schema.json is in step; write it again with npm run schema', () => {
  expect(readFileSync(new URL('../../comfleet.schema.json', import.meta.url), 'utf8')).toBe(jsonSchemaText());
});

test('editors know the synonyms, as deprecated', () => {
  for (const synonym of Object.keys(scalingSynonyms)) expect(jsonSchemaText()).toContain(`"${synonym}"`);
  expect(jsonSchemaText().match(/"deprecated": true/g)).toHaveLength(Object.keys(scalingSynonyms).length);
});
