//! The per-node agent: pipeline, flow store and gRPC services
