import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { ComfleetError } from '../../errors.ts';
import type { StagedFile, StageFile } from '../../outbound/stage-file.ts';
import { isFile, partsOf } from '../body.ts';
import type { ApiContext } from '../context.ts';
import * as schemas from '../schemas.ts';
import type { Api } from '../api.ts';

/** `POST /fleet/v1/uploads`: a file, as the only file of a form or as the body itself; its `asset` then stands for it in inputs. */
export function addUploadRoutes(app: Api, { stageFile }: ApiContext): void {
  void app.register(async (scope: Api) => {
    // A JSON document can be a file too.
    scope.removeContentTypeParser(['application/json', 'application/x-www-form-urlencoded']);
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.post(
      '/fleet/v1/uploads',
      {
        config: { access: 'invoke', forms: true },
        schema: {
          tags: ['uploads'],
          summary: 'Upload a file',
          consumes: ['multipart/form-data', 'application/octet-stream'],
          response: { 201: schemas.upload, default: schemas.problem },
        },
      },
      async (request, reply) => reply.code(201).send(await stageBody(request, stageFile)),
    );
  });
}

async function stageBody(request: FastifyRequest, stageFile: StageFile): Promise<StagedFile> {
  if (request.isMultipart()) {
    for await (const part of partsOf(request)) {
      // Stored before the loop is left, which ends the reading of the form.
      if (isFile(part)) return await stageFile({ content: part.file, filename: part.filename });
      part.file.resume();
    }
    throw new ComfleetError('invalid_body', 'The form has no file; send one as a part with a filename, as curl -F file=@PATH does');
  }
  if (request.body === undefined) throw new ComfleetError('invalid_body', 'The body is empty; send the bytes of the file');
  return stageFile({ content: request.body as Readable, filename: filenameOf(request) });
}

/** Of `Content-Disposition`, for the ending; the rest of the name is not used. */
const filenameOf = (request: FastifyRequest): string | undefined =>
  /filename="?([^";]+)"?/i.exec(request.headers['content-disposition'] ?? '')?.[1];
