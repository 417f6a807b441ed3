import { z } from 'zod';
import { fileSchema } from './file.ts';
import { scalingSection, scalingSynonyms } from './scaling.ts';

/** JSON Schema of `comfleet.yaml`, for editors. */
export function jsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(fileSchema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      // Bounds that only say "fits in a number" are noise.
      if (jsonSchema.maximum !== undefined && jsonSchema.maximum >= Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum !== undefined && jsonSchema.minimum <= Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (zodSchema !== scalingSection) return;
      for (const [synonym, name] of Object.entries(scalingSynonyms)) {
        const meant = jsonSchema.properties?.[name];
        if (typeof meant !== 'object') continue;
        jsonSchema.properties = {
          ...jsonSchema.properties,
          [synonym]: { ...meant, deprecated: true, description: `Another name of ${name}.` },
        };
      }
    },
  });
  return { ...schema, $id: 'https://comfleet.dev/comfleet.schema.json', title: 'comfleet.yaml' };
}

/** The same as the text of `comfleet.schema.json`. */
export const jsonSchemaText = (): string => `${JSON.stringify(jsonSchema(), null, 2)}\n`;
