//! One route with its description: the same value is mounted and documented.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    routing::{MethodFilter, MethodRouter, on},
};
use escadre_api::Role;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::app::App;

/// Schemas by name, as `ToSchema` gives them.
pub(super) type Schemas = Vec<(
    String,
    utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>,
)>;

/// A route of the API.
pub(super) struct Route {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    handler: MethodRouter<App>,
    pub(super) role: Role,
    pub(super) status: u16,
    pub(super) query: Vec<(&'static str, &'static str)>,
    pub(super) takes: Option<(&'static str, Value)>,
    pub(super) answers: Vec<(&'static str, Value)>,
    pub(super) schemas: Schemas,
}

macro_rules! verbs {
    ($($verb:ident $filter:ident $name:literal $status:literal)*) => {$(
        #[doc = concat!("A route for `", $name, "`.")]
        pub(super) fn $verb<H, T>(path: &'static str, summary: &'static str, handler: H) -> Route
        where
            H: Handler<T, App>,
            T: 'static,
        {
            Route {
                method: $name,
                path,
                summary,
                handler: on(MethodFilter::$filter, handler),
                role: Role::Viewer,
                status: $status,
                query: Vec::new(),
                takes: None,
                answers: Vec::new(),
                schemas: Vec::new(),
            }
        }
    )*};
}

verbs! {
    get GET "get" 200
    put PUT "put" 204
    post POST "post" 200
    patch PATCH "patch" 200
    delete DELETE "delete" 204
}

impl Route {
    pub(super) fn method(&self) -> &'static str {
        self.method
    }

    pub(super) fn path(&self) -> &'static str {
        self.path
    }

    pub(super) fn summary(&self) -> &'static str {
        self.summary
    }

    /// The least role that may use it (said in the document; the operation is what checks).
    pub(super) fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// A status other than the usual one of its method.
    pub(super) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Parameters of the query string, with what they mean.
    pub(super) fn query(mut self, parameters: &[(&'static str, &'static str)]) -> Self {
        self.query.extend_from_slice(parameters);
        self
    }

    /// A JSON document as body.
    pub(super) fn takes<T: ToSchema>(mut self) -> Self {
        let schema = self.reference::<T>();
        self.takes = Some(("application/json", schema));
        self
    }

    /// A body in another format.
    pub(super) fn takes_as(mut self, format: &'static str, schema: Value) -> Self {
        self.takes = Some((format, schema));
        self
    }

    /// A larger body than usual, in bytes.
    pub(super) fn limit(mut self, limit: usize) -> Self {
        self.handler = self.handler.layer(DefaultBodyLimit::max(limit));
        self
    }

    /// A body that the handler reads in pieces and counts itself.
    pub(super) fn streams(mut self) -> Self {
        self.handler = self.handler.layer(DefaultBodyLimit::disable());
        self
    }

    /// Answers with a JSON document.
    pub(super) fn answers<T: ToSchema>(mut self) -> Self {
        let schema = self.reference::<T>();
        self.answers.push(("application/json", schema));
        self
    }

    /// Answers with an array of documents, or CSV.
    pub(super) fn lists<T: ToSchema>(mut self) -> Self {
        let schema = self.reference::<T>();
        let array = json!({"type": "array", "items": schema});
        self.answers.push(("application/json", array));
        self.answers.push(("text/csv", json!({"type": "string"})));
        self.query.push((
            "format",
            "`csv`: the list as CSV; the header `Accept: text/csv` says the same.",
        ));
        self
    }

    /// Answers in another format.
    pub(super) fn answers_as(mut self, format: &'static str, schema: Value) -> Self {
        self.answers.push((format, schema));
        self
    }

    /// A schema that the description names besides those it takes and answers.
    pub(super) fn also<T: ToSchema>(mut self) -> Self {
        self.reference::<T>();
        self
    }

    /// Makes it live.
    pub(super) fn mount(self, router: Router<App>) -> Router<App> {
        router.route(self.path, self.handler)
    }

    fn reference<T: ToSchema>(&mut self) -> Value {
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), T::schema()));
        T::schemas(&mut self.schemas);
        json!({"$ref": format!("#/components/schemas/{name}")})
    }
}
