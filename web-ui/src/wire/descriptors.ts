// What reads and describes messages, before any message: src/main.ts sets it up first.
export { fileDesc } from '@bufbuild/protobuf/codegenv2';
