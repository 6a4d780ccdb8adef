//! Compiles the part of etcd's API that the registry uses, without `protoc`.

fn main() -> anyhow::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "cluster")]
    compile()?;
    Ok(())
}

#[cfg(feature = "cluster")]
fn compile() -> anyhow::Result<()> {
    const FILES: [&str; 2] = ["mvccpb/kv.proto", "etcdserverpb/rpc.proto"];
    for file in FILES {
        println!("cargo::rerun-if-changed=proto/{file}");
    }
    let descriptors = protox::compile(FILES, [std::path::Path::new("proto")])?;
    tonic_prost_build::configure()
        .build_server(false)
        .compile_fds(descriptors)?;
    Ok(())
}
