import { writeFileSync } from 'node:fs';
import { jsonSchemaText } from './json-schema.ts';

/** `npm run schema`: writes comfleet.schema.json at the root of the package. */
writeFileSync(new URL('../../comfleet.schema.json', import.meta.url), jsonSchemaText());
