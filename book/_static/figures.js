// Runs the page's interactive figures (anywidget modules) without a kernel, from a server or a file.
{
  const data = JSON.parse(document.getElementById("xent-models").textContent);
  const models = new Map();
  const modules = new Map();

  const load = (i) => {
    if (!modules.has(i)) {
      const url = URL.createObjectURL(new Blob([data.modules[i]], { type: "text/javascript" }));
      modules.set(i, import(url));
    }
    return modules.get(i);
  };

  const newModel = (state) => {
    const subscribers = new Map();
    const listening = (event) => subscribers.get(event) ?? [];
    const model = {
      get: (key) => state[key],
      set(key, value) {
        if (typeof key === "object") return Object.entries(key).forEach((entry) => model.set(...entry));
        if (state[key] === value) return;
        state[key] = value;
        for (const event of [`change:${key}`, "change"]) listening(event).forEach((f) => f(model, value));
      },
      on(events, f) {
        for (const event of events.split(" ")) subscribers.set(event, [...listening(event), f]);
      },
      off(events, f) {
        if (!events) return subscribers.clear();
        for (const event of events.split(" "))
          subscribers.set(event, f ? listening(event).filter((g) => g !== f) : []);
      },
      save_changes() {},
      send() {},
    };
    return model;
  };

  // A figure that is shown twice is one model with two views.
  const modelOf = (id) => {
    if (!models.has(id)) {
      const { module, state } = data.models[id];
      const model = newModel(state);
      models.set(id, load(module).then(async ({ default: widget }) => {
        if (typeof widget === "function") widget = await widget();
        await widget.initialize?.({ model });
        return { model, widget };
      }));
    }
    return models.get(id);
  };

  for (const place of document.querySelectorAll(".xent-figure[data-model]")) {
    const still = place.querySelector("noscript").textContent;
    modelOf(place.dataset.model)
      .then(({ model, widget }) => widget.render({ model, el: place }))
      .catch((error) => {
        place.innerHTML = still;
        place.append(`This figure could not start: ${error.message}`);
      });
  }
}
