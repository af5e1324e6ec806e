// Below a path prefix the service does not see whether its root was asked for with a slash at the end.
// Without one the page's addresses lead out of the prefix.
const { pathname, search, hash } = location;
const { next } = document.documentElement.dataset;
if (!pathname.endsWith('/')) location.replace(`${pathname}/${search}${hash}`);
else if (next) location.replace(next);
