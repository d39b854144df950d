import { openParquet } from '#datasets/parquet/reader.ts';
import { metaOf } from './soft-label-footer.ts';
import type { SoftLabelMeta } from './soft-label-meta.ts';

/** What a lone shard says about itself; throws where it is no shard. With `pages` all of it is read. */
export async function readShardFooter(
  path: string,
  options: { readonly pages: boolean },
): Promise<SoftLabelMeta> {
  const file = await openParquet(path);
  try {
    const meta = metaOf(path, file.metadata);
    for (let index = 0; options.pages && index < file.rowGroupCount; index++) {
      await file.readRowGroup(index);
    }
    return meta;
  } finally {
    await file.close();
  }
}
