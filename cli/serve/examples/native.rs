//! A native server to compare `wasmaot serve` with: the same libraries and settings, and a response that is
//! there already. `native ADDRESS TEXT`.

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::time::Duration;
use tokio::net::TcpListener;

type Error = Box<dyn std::error::Error + Send + Sync>;

async fn serve(address: String, text: Bytes) -> Result<(), Error> {
    let listener = TcpListener::bind(address).await?;
    println!("serving at {}", listener.local_addr()?);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(30));
    let builder: &'static Builder<TokioExecutor> = Box::leak(Box::new(builder));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let text = text.clone();
        let service = service_fn(move |_| {
            let response = http::Response::new(Full::new(text.clone()));
            async { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
    }
}

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:0".to_string());
    let text = args.next().unwrap_or_else(|| "hello".to_string());
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(address, text.into()))
}
