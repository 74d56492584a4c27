/* memctx: the retained memctx, from publication to invalidation, and who is told of it in which
 * order: subscribers, late subscribers in their replay, and whoever takes it through its handle.
 *
 * Bounds: 2 slots of controls, in one a control that stays, in the other any number one after the
 * other, whose grant and subscription come and go; epochs 1 to 4, versions 1 and 2 in each; one
 * provider at a time, which publishes when it likes and is replaced; a queue of deferred events of
 * 9, which is never full. Events go to one control after the other, and in between anybody acts.
 *
 * `view_` is what a control believes: the last memctx that it was told of or took. */
#define QUEUE 9
#define EPOCHS 4
#define VERSIONS 2
#include "common.pml"

#define BIT(c) (1 << (c))
#define HAS(mask, c) (((mask) >> (c)) & 1)

/* kinds of event */
#define replay_begin 1
#define replay_end 2
#define memctx_published 3
#define memctx_invalidated 4
#define epoch_changed 5

byte epoch = 1;

/* memctx_cache */
bool registered = true;
bool valid;
byte published_epoch;
byte version;
byte closed; /* nothing of it or older is published any more */
byte given;  /* slots */

/* control_slot */
bool live[2];
bool permitted[2]; /* to any right, memctx among them */
bool subscribed[2];
bool replaying[2];

/* routing_rows: slots */
byte memctx_row, any_right_row, ready, seen, recalled;

/* deferral: kind, to, epoch, version */
chan deferred = [QUEUE] of { byte, byte, byte, byte };
byte remaining; /* who gets the event that is being delivered */
byte now_kind, now_epoch, now_version;

byte view_epoch[2];   /* valid: of that memctx; else nothing of it or older may come any more */
bool view_valid[2];
byte view_version[2]; /* by the last event */
bool in_replay[2];
bool true_given[2];

byte kind, to, of_epoch, of_version, rest, n, last, last0, last1, take_epoch, take_version;
    /* scratch: 0 between steps */

inline blank_view(c) {
    view_epoch[c] = 0; view_valid[c] = false; view_version[c] = 0; in_replay[c] = false;
    true_given[c] = false
}

inline defer(what, whom, its_epoch, its_version) {
    if
    :: (whom) != 0 -> assert(nfull(deferred)); deferred!what, whom, its_epoch, its_version
    :: else
    fi
}

/* Takes `whom` out of what is on its way and is of kind `what`; 0: of any kind. */
inline take_back(what, whom) {
    d_step {
        n = len(deferred);
        do
        :: n > 0 ->
            n--;
            deferred?kind, to, of_epoch, of_version;
            if :: what == 0 || kind == what -> to = to & (3 ^ (whom)) :: else fi;
            if :: to != 0 -> deferred!kind, to, of_epoch, of_version :: else fi
        :: else -> break
        od
    }
}

/* Lets what waits already stand for the new version; `rest`: for whom nothing waits. */
inline fold_published(whom) {
    d_step {
        n = 0; last0 = QUEUE; last1 = QUEUE;
        do
        :: n < len(deferred) ->
            deferred?kind, to, of_epoch, of_version;
            deferred!kind, to, of_epoch, of_version;
            if :: kind == memctx_published && HAS(to, 0) -> last0 = n :: else fi;
            if :: kind == memctx_published && HAS(to, 1) -> last1 = n :: else fi;
            n++
        :: else -> break
        od;
        n = 0; rest = whom;
        do
        :: n < len(deferred) ->
            deferred?kind, to, of_epoch, of_version;
            if
            :: (n == last0 && HAS(whom, 0)) || (n == last1 && HAS(whom, 1)) ->
                of_epoch = epoch; of_version = version; rest = rest & (3 ^ to)
            :: else
            fi;
            deferred!kind, to, of_epoch, of_version;
            n++
        :: else -> break
        od
    }
}

/* What a control is told of, or takes. */
inline look_at(c, its_epoch) {
    assert(live[c] && permitted[c]);                       /* I7 */
    assert(!view_valid[c] || its_epoch == view_epoch[c]);  /* an invalidation between epochs */
    assert(view_valid[c] || its_epoch > view_epoch[c]);    /* I3 */
    view_epoch[c] = its_epoch; view_valid[c] = true
}

inline give(slots) {
    given = given | (slots);
    true_given[0] = true_given[0] || HAS(slots, 0);
    true_given[1] = true_given[1] || HAS(slots, 1)
}

#ifdef WITHOUT_EPOCH_CHECK_AT_PUBLISH
#define PUBLISHABLE(e) (closed < epoch)
#elif defined(WITHOUT_CLOSED_CHECK_AT_PUBLISH)
#define PUBLISHABLE(e) ((e) == epoch)
#else
#define PUBLISHABLE(e) ((e) == epoch && closed < epoch)
#endif

inline publish_memctx(its_epoch) {
    if
    :: registered && PUBLISHABLE(its_epoch) && (published_epoch != epoch || version < VERSIONS) ->
        assert(its_epoch == epoch);
        version = (published_epoch == epoch -> version + 1 : 1);
        published_epoch = epoch;
        valid = true;
        fold_published(memctx_row);
        defer(memctx_published, rest, epoch, version)
    :: else /* stale_epoch, exhausted */
    fi
}

/* memctx_cache::invalidate, and what is on its way. */
inline recall_memctx(last_epoch) {
#ifndef WITHOUT_PURGE
    take_back(memctx_published, 3);
#endif
    closed = last_epoch;
#ifndef WITHOUT_INVALIDATION
    if
    :: valid && given != 0 ->
        recalled = recalled | given;
        defer(memctx_invalidated, given, last_epoch, 0)
    :: else
    fi;
#endif
    valid = false;
    given = 0
}

/* One that waits stands for this one too. */
inline tell_epoch() {
    d_step {
        n = len(deferred); rest = any_right_row;
        do
        :: n > 0 ->
            n--;
            deferred?kind, to, of_epoch, of_version;
            if
            :: kind == epoch_changed -> rest = rest & (3 ^ to); of_epoch = epoch
            :: else
            fi;
            deferred!kind, to, of_epoch, of_version
        :: else -> break
        od
    };
    defer(epoch_changed, rest, epoch, 0)
}

/* At its limit the epoch stays, and nothing is published in it any more. */
inline roll_over() {
    last = epoch;
    if :: epoch < EPOCHS -> epoch++ :: else /* exhausted */ fi;
    seen = 0;
    recall_memctx(last);
    tell_epoch()
}

/* The snapshot is queued whole, and the rows are opened in the same instant. */
inline replay(c) {
    any_right_row = any_right_row | BIT(c);
#ifndef WITHOUT_OPENING_WITH_THE_SNAPSHOT
    memctx_row = (subscribed[c] -> memctx_row | BIT(c) : memctx_row & (3 ^ BIT(c)));
#endif
    defer(replay_begin, BIT(c), epoch, 0);
    if
    :: valid && subscribed[c] -> defer(memctx_published, BIT(c), epoch, version)
    :: else
    fi;
    defer(replay_end, BIT(c), epoch, 0)
}

#ifdef WITHOUT_EPOCH_IN_MARK_SEEN
#define IGNORED true
#else
#define IGNORED false
#endif

inline deliver(c) {
    remaining = remaining & (3 ^ BIT(c));
    if
    :: now_kind == replay_begin -> in_replay[c] = true
    :: now_kind == replay_end ->
        in_replay[c] = false;
#ifdef WITHOUT_OPENING_WITH_THE_SNAPSHOT
        memctx_row = memctx_row | (subscribed[c] -> BIT(c) : 0)
#endif
    :: now_kind == memctx_published ->
        assert(in_replay[c] || HAS(ready, c));            /* nothing before the snapshot */
        assert(subscribed[c]);
        look_at(c, now_epoch);
        assert(now_version > view_version[c] ||            /* twice only in a snapshot */
            (in_replay[c] && now_version == view_version[c]));
        view_version[c] = now_version
    :: now_kind == memctx_invalidated ->
        assert(permitted[c] && true_given[c]);             /* to those who were given it */
        assert(view_epoch[c] <= now_epoch);                /* nothing has overtaken it */
        view_epoch[c] = now_epoch; view_valid[c] = false; view_version[c] = 0
    :: now_kind == epoch_changed
    fi;
    if :: remaining == 0 -> now_kind = 0; now_epoch = 0; now_version = 0 :: else fi
}

/* The next event leaves the queue; whom it reaches is decided now. The first gets it at once. */
inline drain() {
    deferred?now_kind, remaining, now_epoch, now_version;
#ifndef WITHOUT_MASK_AT_DELIVERY
    if :: now_kind == memctx_published -> remaining = remaining & memctx_row :: else fi;
#endif
    if
    :: now_kind == memctx_published -> give(remaining) /* mark_given */
    :: now_kind == memctx_invalidated -> recalled = recalled & (3 ^ remaining)
    :: now_kind == epoch_changed -> remaining = remaining & any_right_row
    :: now_kind == replay_end -> ready = ready | remaining
    :: else
    fi;
    if
    :: (now_kind == epoch_changed || now_kind == replay_end) &&
        (now_epoch == epoch || IGNORED) -> seen = seen | (remaining & ready) /* mark_seen */
    :: else
    fi;
    if
    :: remaining == 0 -> now_kind = 0; now_epoch = 0; now_version = 0
    :: remaining != 0 && HAS(remaining, 0) -> deliver(0)
    :: remaining != 0 && !HAS(remaining, 0) -> deliver(1)
    fi
}

/* The answer must not overtake the invalidation of the epoch before. */
#ifdef WITHOUT_RECALLED_CHECK_AT_EXPORT
#define LATE(c) (HAS(ready, c) && !HAS(seen, c))
#elif defined(WITHOUT_SEEN_CHECK_AT_EXPORT)
#define LATE(c) HAS(recalled, c)
#else
#define LATE(c) (HAS(recalled, c) || (HAS(ready, c) && !HAS(seen, c)))
#endif

/* Outside the grant now: the rows close, and what is on its way is taken back. */
inline narrow() {
    permitted[1] = false;
    memctx_row = memctx_row & 1; any_right_row = any_right_row & 1;
    ready = ready & 1; seen = seen & 1; recalled = recalled & 1;
#ifndef WITHOUT_REVOKING_WHAT_WAS_GIVEN
    given = given & 1;
#endif
#ifndef WITHOUT_TAKING_BACK
    take_back(0, 2);
#endif
    silence();
    if :: view_valid[1] -> view_epoch[1]-- :: else fi; /* it may be given that one again */
    view_valid[1] = false; view_version[1] = 0; in_replay[1] = false; true_given[1] = false
}

/* It gets nothing more of what is being delivered. */
inline silence() {
    remaining = remaining & 1;
    if :: remaining == 0 -> now_kind = 0; now_epoch = 0; now_version = 0 :: else fi
}

/* The control takes it; its provider is asked, and in there anything may happen. */
inline memctx(c) {
    take_epoch = published_epoch; take_version = version;
    if
    :: true
    :: roll_over()
    :: c == 1 -> narrow()
    fi;
    if
#ifndef WITHOUT_CHECK_AFTER_PROVIDER
    :: !permitted[c] || !valid || published_epoch != take_epoch || version != take_version
#endif
    :: else ->
        give(BIT(c));
        look_at(c, take_epoch)
    fi
}

/* What holds whenever the core returns to its loop. */
inline settled() {
    d_step {
        kind = 0; to = 0; of_epoch = 0; of_version = 0; rest = 0;
        n = 0; last = 0; last0 = 0; last1 = 0;
        take_epoch = 0; take_version = 0;
        for (n : 0 .. 1) {
            if
            :: len(deferred) == 0 && remaining == 0 && live[n] && permitted[n] && !replaying[n] ->
                assert(HAS(ready, n));
                /* nobody is left with what is gone, and no subscriber without what is there */
                assert(!view_valid[n] || (valid && view_epoch[n] == published_epoch));
                assert(!HAS(memctx_row, n) || !valid ||
                    (view_valid[n] && view_version[n] == version));
                assert(!subscribed[n] || HAS(memctx_row, n))
            :: else
            fi
        }
        n = 0
    }
}

active proctype provider() {
end:
    do
    :: atomic { publish_memctx(epoch); settled() }
    :: atomic { epoch > 1 -> publish_memctx(epoch - 1); settled() } /* it is late */
    :: atomic { roll_over(); settled() }
    :: atomic { registered -> /* unregister */
        registered = false;
        if :: valid -> recall_memctx(epoch) :: else fi;
        settled()
       }
    :: atomic { !registered -> /* another one */
        registered = true;
        if :: true :: publish_memctx(epoch) fi; /* in on_attach */
        if :: closed >= epoch -> roll_over() :: else fi;
        settled()
       }
    od
}

/* run_replays comes after drain: nothing older is queued. */
active proctype bus() {
end:
    do
    :: atomic { replaying[0] && len(deferred) == 0 && remaining == 0 ->
        replaying[0] = false; replay(0); settled()
       }
    :: atomic { replaying[1] && len(deferred) == 0 && remaining == 0 ->
        replaying[1] = false;
        if :: permitted[1] -> replay(1) :: else fi;
        settled()
       }
    :: atomic { len(deferred) > 0 && remaining == 0 -> drain(); settled() }
    :: atomic { HAS(remaining, 1) -> deliver(1); settled() }
    od
}

#define MAY_TAKE(c) (permitted[c] && HAS(any_right_row, c) && valid && !LATE(c))

active proctype controls() {
    atomic {
        live[0] = true; permitted[0] = true; subscribed[0] = true; replaying[0] = true
    };
end:
    do
    :: atomic { MAY_TAKE(0) -> memctx(0); settled() }
    :: atomic { MAY_TAKE(1) -> memctx(1); settled() }
    :: atomic { !live[1] -> /* attach */
        live[1] = true; replaying[1] = true;
        if :: permitted[1] = true :: permitted[1] = false fi;
        if :: subscribed[1] = true :: subscribed[1] = false fi;
        settled()
       }
    :: atomic { live[1] -> /* detach: the next tenant of the slot gets nothing of the last */
        live[1] = false; permitted[1] = false; subscribed[1] = false; replaying[1] = false;
        memctx_row = memctx_row & 1; any_right_row = any_right_row & 1;
        ready = ready & 1; seen = seen & 1; recalled = recalled & 1; given = given & 1;
#ifndef WITHOUT_SILENCE
        take_back(0, 2);
#endif
        silence();
        blank_view(1);
        settled()
       }
    :: atomic { live[1] && !permitted[1] -> permitted[1] = true; replaying[1] = true; settled() }
    :: atomic { permitted[1] -> narrow(); settled() }
    :: atomic { live[1] && !subscribed[1] -> subscribed[1] = true; replaying[1] = true; settled() }
    :: atomic { live[1] && subscribed[1] -> /* takes nothing of what it was given */
        subscribed[1] = false;
        memctx_row = memctx_row & 1;
        if :: now_kind == memctx_published -> silence() :: else fi;
        settled()
       }
    od
}
