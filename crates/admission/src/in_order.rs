//! Checks that are made at once and answered in order.

use futures::FutureExt;
use futures::future::{BoxFuture, try_join};

/// Makes both checks at once. When the first fails, that is the answer, and the second is given up: neither its outcome
/// nor how long it takes is told to somebody whom the first refuses.
///
/// On the heap: nested by value, the checks of a request are more than a thread's stack holds in a build without
/// optimizations.
pub(crate) fn in_order<'a, T, E, U>(
    first: impl Future<Output = Result<T, E>> + Send + 'a,
    second: impl Future<Output = U> + Send + 'a,
) -> BoxFuture<'a, Result<(T, U), E>>
where
    T: Send + 'a,
    E: Send + 'a,
    U: Send + 'a,
{
    let second = async { Ok(second.await) };
    try_join(first.boxed(), second.boxed()).boxed()
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn the_first_refusal_waits_for_nobody_and_the_second_for_the_first() {
        let refused = in_order(ready(Err::<(), _>("first")), pending::<()>());
        assert_eq!(refused.now_or_never(), Some(Err("first")));
        let both = in_order(ready(Err::<(), _>("first")), ready(Err::<(), _>("second")));
        assert_eq!(both.now_or_never(), Some(Err("first")));
        let waits = in_order(pending::<Result<(), &str>>(), ready(Err::<(), _>("second")));
        assert_eq!(waits.now_or_never(), None);
        let passed = in_order(ready(Ok::<_, &str>(1)), ready(2));
        assert_eq!(passed.now_or_never(), Some(Ok((1, 2))));
    }
}
