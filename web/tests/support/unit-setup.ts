// What modules read from the page as they are loaded.
Object.assign(globalThis, { document: { baseURI: 'http://127.0.0.1/' } });
