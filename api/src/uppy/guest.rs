//! Who holds an upload token, and which uploads it reaches.

use std::net::SocketAddr;
use std::sync::Arc;

use media::UploadId;
use media::upload_tokens::{self, Grant, UploadToken};
use media::uploads::{self, Upload};
use poem::Request;

use crate::ApiState;
use crate::http::problem::{Code, Problem};
use crate::http::rates::Rates;

/// Longest text looked at as a token.
const MAX_TOKEN_CHARS: usize = 128;

/// Somebody with a valid token.
pub struct Guest<'a> {
    pub state: &'a ApiState,
    pub grant: Grant,
}

impl<'a> Guest<'a> {
    /// Whoever asks. Wrong tokens are counted as wrong keys are.
    pub async fn of(request: &'a Request) -> Result<Self, Problem> {
        let state = request
            .data::<ApiState>()
            .ok_or_else(|| Problem::internal("no state"))?;
        let rates = request.data::<Arc<Rates>>();
        let rates = rates.ok_or_else(|| Problem::internal("no rates"))?;
        let refused = || {
            let detail = "the upload token is unknown, used up or has ended: ask for a new one";
            Problem::new(Code::Unauthenticated, detail)
        };
        let token = request.raw_path_param("token").unwrap_or_default();
        if token.len() > MAX_TOKEN_CHARS {
            return Err(refused());
        }
        let token = UploadToken::presented(token);
        let address = request.remote_addr().as_socket_addr().map(SocketAddr::ip);
        rates.may_try(address, &token.hash())?;
        let mut connection = media::pool::borrow(&state.pool).await?;
        let grant = upload_tokens::find(&mut connection, &token).await?;
        rates.tried(address, &token.hash(), grant.is_some());
        let grant = grant.ok_or_else(refused)?;
        tracing::Span::current().record("media.owner_id", tracing::field::display(&grant.owner_id));
        rates.request(&grant.owner_id)?;
        Ok(Self { state, grant })
    }

    /// The upload in the path, which was opened with this token.
    pub async fn upload(&self, request: &Request) -> Result<Upload, Problem> {
        let nowhere = || Problem::not_found("upload");
        let id = request.raw_path_param("upload_id").unwrap_or_default();
        let id: UploadId = uuid::Uuid::try_parse(id).map_err(|_| nowhere())?.into();
        let mut connection = media::pool::borrow(&self.state.pool).await?;
        if !upload_tokens::opened(&mut connection, self.grant.token_id, id).await? {
            return Err(nowhere());
        }
        let upload = uploads::get(&mut connection, &self.grant.owner_id, id).await?;
        upload.ok_or_else(nowhere)
    }
}
