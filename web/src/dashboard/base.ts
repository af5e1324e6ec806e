/** Where the server is: the page's base, which the server computes, so it works under a prefix. */
export const root = new URL('./', document.baseURI);

/** The prefix of the page's own paths, without a slash at the end, as the router wants it. */
export const prefix = root.pathname.replace(/\/$/, '');

export const graphqlUrl = new URL('graphql', root).href;

export const socketUrl = graphqlUrl.replace(/^http/, 'ws');
