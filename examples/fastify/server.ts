/** Serves until SIGTERM or SIGINT; then open requests are answered, and event streams end. Their readers ask again. */
import { connect } from 'lockkeeper';
import { createService } from './service.ts';

const lockkeeper = await connect();
const service = createService(lockkeeper);
service.addHook('onClose', () => lockkeeper.close());
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void service.close());
await service.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 3000) });
