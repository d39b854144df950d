import type { ColumnSpec } from './columns.ts';

/** A column we can read, and what its levels mean. */
export interface LeafColumn {
  readonly spec: ColumnSpec;
  readonly physicalType: PhysicalType;
  readonly isList: boolean;
  /** The definition level of a value that is there. */
  readonly maxDefinition: number;
  /** Lists: the definition level of an empty list; below it the list is null. */
  readonly emptyListDefinition: number;
}

/** Types of the Parquet specification that our columns are stored as. */
export type PhysicalType = 'INT32' | 'FLOAT' | 'BYTE_ARRAY';

/** A node of the schema in the footer. */
export interface SchemaNode {
  readonly element: SchemaFields;
  readonly children: readonly SchemaNode[];
}

interface SchemaFields {
  readonly name: string;
  readonly type?: string;
  readonly repetition_type?: string;
  readonly converted_type?: string;
  readonly logical_type?: { readonly type: string };
}

/** Understands a column of the schema; a text says why it cannot be read. */
export function leafColumn(node: SchemaNode): LeafColumn | string {
  const { element, children } = node;
  if (element.repetition_type === 'REPEATED') return 'a repeated column outside a LIST';
  if (children.length > 0) return listColumn(node);
  const type = flatType(element);
  if (type === undefined) return `of type ${typeName(element)}`;
  const nullable = element.repetition_type === 'OPTIONAL';
  return {
    spec: { name: element.name, type: type.column, ...(nullable && { nullable }) },
    physicalType: type.physical,
    isList: false,
    maxDefinition: nullable ? 1 : 0,
    emptyListDefinition: 0,
  };
}

function listColumn({ element, children }: SchemaNode): LeafColumn | string {
  const [repeated, ...others] = children;
  const [leaf, ...moreLeaves] = repeated?.children ?? [];
  const isList =
    element.converted_type === 'LIST' &&
    repeated?.element.repetition_type === 'REPEATED' &&
    leaf !== undefined &&
    leaf.children.length === 0 &&
    others.length + moreLeaves.length === 0;
  if (!isList) return 'nested, and no list of numbers';
  const type = flatType(leaf.element) ?? unsignedType(leaf.element);
  if (type === undefined || type.column === 'utf8') return `a list of ${typeName(leaf.element)}`;
  const emptyListDefinition = isOptional(element);
  return {
    spec: { name: element.name, type: `list<${type.column}>` },
    physicalType: type.physical,
    isList: true,
    maxDefinition: emptyListDefinition + 1 + isOptional(leaf.element),
    emptyListDefinition,
  };
}

function flatType(element: SchemaFields): FlatType | undefined {
  const meaning = element.logical_type?.type ?? element.converted_type;
  return FLAT_TYPES.find(
    ({ physical, meanings }) => physical === element.type && meanings.includes(meaning),
  );
}

function unsignedType(element: SchemaFields): FlatType<'uint8' | 'uint16'> | undefined {
  return UNSIGNED_TYPES.find(
    ({ physical, meanings }) =>
      physical === element.type && meanings.includes(element.converted_type),
  );
}

function isOptional(element: SchemaFields): 0 | 1 {
  return element.repetition_type === 'OPTIONAL' ? 1 : 0;
}

function typeName(element: SchemaFields): string {
  const meaning = element.logical_type?.type ?? element.converted_type;
  return meaning === undefined ? String(element.type) : `${element.type} (${meaning})`;
}

interface FlatType<Column = 'utf8' | 'int32' | 'float'> {
  readonly column: Column;
  readonly physical: PhysicalType;
  /** Logical or converted types that mean nothing more than `column` says. */
  readonly meanings: readonly (string | undefined)[];
}

const FLAT_TYPES: readonly FlatType[] = [
  { column: 'utf8', physical: 'BYTE_ARRAY', meanings: ['UTF8', 'STRING'] },
  { column: 'int32', physical: 'INT32', meanings: [undefined, 'INT_32'] },
  { column: 'float', physical: 'FLOAT', meanings: [undefined] },
];

/** Of lists only. */
const UNSIGNED_TYPES: readonly FlatType<'uint8' | 'uint16'>[] = [
  { column: 'uint8', physical: 'INT32', meanings: ['UINT_8'] },
  { column: 'uint16', physical: 'INT32', meanings: ['UINT_16'] },
];
