// Shows the document of this very service.
Redoc.init("/openapi.json", { hideDownloadButton: true, theme: { typography: { fontFamily: "system-ui, sans-serif" } } }, document.getElementById("reference"));
