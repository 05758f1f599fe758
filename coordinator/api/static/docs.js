"use strict";
window.addEventListener("load", () => {
  window.SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#docs",
    deepLinking: true,
    // Requests are signed by keys that no browser has, so there is nothing to try out here.
    supportedSubmitMethods: [],
    validatorUrl: null,
    presets: [window.SwaggerUIBundle.presets.apis],
  });
});
