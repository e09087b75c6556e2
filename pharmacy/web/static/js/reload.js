// A page that answers a form which was not taken: a reload, and the way back to it, open the page
// anew. Without this the browser would ask whether to send the form again.

const { address } = document.body.dataset;
if (address) window.history.replaceState(null, '', address);
