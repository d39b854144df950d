import { serveRequests } from '#stages/worker-thread.ts';
import { type OpenStudent, openStudent } from './open-student.ts';
import type { StudentReply, StudentRequest } from './student-threads.ts';

let student: OpenStudent | undefined;

serveRequests<StudentRequest, StudentReply>({
  async reply(request) {
    if (request.type === 'open') {
      student = await openStudent(request.folder, request.options);
      const { classNames, task, readsPairs, operatingPoint } = student;
      return { type: 'opened', rules: { classNames, task, operatingPoint }, readsPairs };
    }
    if (student === undefined) throw new Error('no student was opened');
    if (request.type === 'tag') {
      return { type: 'tagged', sentences: await student.tag(request.sentences) };
    }
    const { texts, top } = request;
    return { type: 'classified', predictions: await student.classify(texts, { top }) };
  },
  close: async () => student?.close(),
});
