/* Loaded by the WebUI with its page: hands our tab's element to the page's own loader, or says why there is no page. */
(function () {
    const ROUTES = "lora-trainer/v1/";

    async function begin() {
        const place = gradioApp().querySelector("#lora_trainer_page");
        if (!place) return;
        const address = (path) => new URL(ROUTES + path, document.baseURI).href;
        try {
            const loader = await import(address(`page/${place.dataset.version}/loader.js`));
            loader.whenSeen(place);
        } catch (error) {
            console.error("Train LoRA:", error);
            const answer = await fetch(address("problem")).catch(() => null);
            const problem = answer && answer.ok ? await answer.json() : null;
            place.textContent = problem ? problem.text : "Train LoRA could not start. The WebUI's console says why.";
        }
    }

    onUiLoaded(begin);
})();
