import { assetsContract } from '../../test/contract/assets.ts';
import { createMemoryAssets } from './memory.ts';

assetsContract('memory', async (clock) => createMemoryAssets(clock));
