// What reads and describes messages, before any message: src/main.tsx sets it up first.
export { fileDesc } from '@bufbuild/protobuf/codegenv2';
