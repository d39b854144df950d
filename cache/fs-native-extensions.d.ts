declare module 'fs-native-extensions' {
  /** Takes an exclusive lock of the open file description; false when another one holds it. */
  export function tryLock(fd: number): boolean;
}
