import { status } from '@grpc/grpc-js';
import type {
  ServerReflectionRequest,
  ServerReflectionResponse,
} from '../../../wire/gen/grpc/reflection/v1/reflection.ts';
import { describedByName, describedBySymbol, isSymbol } from './descriptors.ts';

type Answer = ServerReflectionResponse['messageResponse'];

/** @param services full names of those that are served */
export const answerTo = (
  request: ServerReflectionRequest,
  services: readonly string[],
): ServerReflectionResponse => ({
  validHost: request.host,
  originalRequest: request,
  messageResponse: answer(request.messageRequest, services),
});

function answer(asked: ServerReflectionRequest['messageRequest'], services: readonly string[]): Answer {
  switch (asked?.$case) {
    case 'listServices':
      return {
        $case: 'listServicesResponse',
        value: { service: services.map((name) => ({ name })) },
      };
    case 'fileByFilename':
      return files(describedByName(asked.value), `file ${asked.value}`);
    case 'fileContainingSymbol':
      return files(describedBySymbol(asked.value), `symbol ${asked.value}`);
    case 'allExtensionNumbersOfType':
      if (!isSymbol(asked.value)) return notFound(`symbol ${asked.value}`);
      return {
        $case: 'allExtensionNumbersResponse',
        value: { baseTypeName: asked.value, extensionNumber: [] },
      };
    case 'fileContainingExtension':
      return notFound(`extension ${asked.value.extensionNumber} of ${asked.value.containingType}`);
    default:
      return refused(status.INVALID_ARGUMENT, 'the request asks for nothing');
  }
}

const files = (fileDescriptorProto: Buffer[] | undefined, what: string): Answer =>
  fileDescriptorProto ? { $case: 'fileDescriptorResponse', value: { fileDescriptorProto } } : notFound(what);

const notFound = (what: string): Answer => refused(status.NOT_FOUND, `there is no ${what} here`);

const refused = (errorCode: number, errorMessage: string): Answer => ({
  $case: 'errorResponse',
  value: { errorCode, errorMessage },
});
