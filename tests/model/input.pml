/* input: what a lease holds down, and the neutral that takes it up again, with an adapter that
 * takes later and accepts later. Whenever it is asked for releases, all that it was handed has ended.
 *
 * Bounds: a serial of at most 5, hence 2 leases, each of any control; epochs 1 to 3; 2 keys, of
 * which one is a modifier; any number of commands, 2 at a time (press, release, and hold: press,
 * then release), in one lane. The adapter acts in the order of hand-over, fails when it likes or
 * at its drain deadline, and is replaced. Commanded restores, and resets, restores and power-offs
 * by the guest. */
#define NODES 2
#define KEYS 2
#define COUNTER_LIMIT 5
#define EPOCHS 3
#include "common.pml"

#define MODIFIER 1

/* What a command does; `releasing` is the second half of a hold. */
#define release 0
#define press 1
#define hold 2
#define releasing 3

bool owner; /* which control, does not matter here */
byte serial;
byte epoch = 1;
bool commanded; /* a snapshot_restore is under way */
bool adapter = true;

/* The commands of the cell in their order: queued, handed, begun; then a hold in its time. */
chan queue = [NODES] of { byte, byte, byte, byte }; /* key, kind, serial, epoch */
chan given = [NODES] of { byte, byte, byte, byte };
chan taken = [NODES] of { byte, byte, byte, byte };
byte holding_key, holding_serial;
bool hold_under_way; /* class_cell::held */
byte draining;
bool drain_timer;

byte held[KEYS]; /* held_set, in the order of the presses */
bool doubt[KEYS + 1]; /* held, but may be up: what was to change it has failed */
bool neutral_owed;

bool down[KEYS + 1];        /* in the machine */
bool true_wanted[KEYS + 1]; /* what the owner asked for last */
byte true_serial[KEYS + 1]; /* of the press */
byte true_epoch[KEYS + 1];

byte key, kind, its_serial, its_epoch, accepted, n, x; /* scratch: 0 between steps */
byte inverse[KEYS];
bool fine;

#define LIVE (len(queue) + len(given) + len(taken) + (holding_key != 0))
#define HOLDS(k) (held[0] == (k) || held[1] == (k))
#define REPEATS(k) (HOLDS(k) && !doubt[k])
#define PENDING(k) (queue??[eval(k), press, _, _] || queue??[eval(k), release, _, _] || \
                    given??[eval(k), press, _, _] || given??[eval(k), release, _, _])

inline commit_press(k) {
    if
    :: held[0] == 0 -> held[0] = k
    :: else -> assert(held[1] == 0); held[1] = k
    fi;
    doubt[k] = false
}

inline commit_release(k) {
    if
    :: held[0] == k -> held[0] = held[1]; held[1] = 0
    :: held[0] != k && held[1] == k -> held[1] = 0
    :: else
    fi;
    doubt[k] = false
}

/* Everything is up, or its device is gone. */
inline clear_held() {
    held[0] = 0; held[1] = 0; neutral_owed = false;
    down[1] = false; down[2] = false; doubt[1] = false; doubt[2] = false
}

inline forget_wishes() { true_wanted[1] = false; true_wanted[2] = false }

inline start_drain() {
#ifndef WITHOUT_DRAIN_DEADLINE
    drain_timer = drain_timer || draining != 0 || neutral_owed
#else
    skip
#endif
}
inline drained() { drain_timer = drain_timer && (draining != 0 || neutral_owed) }

/* Nothing is held any more: nothing is owed. */
inline neutral_paid() {
    neutral_owed = neutral_owed && held[0] != 0;
    drained()
}

/* The releases of all that is held, the last press first. */
inline invert() {
    if
    :: held[1] != 0 -> inverse[0] = held[1]; inverse[1] = held[0]
    :: held[1] == 0 -> inverse[0] = held[0]; inverse[1] = 0
    fi
}

/* The adapter took the first `many` of them. */
inline accept_releases(many) {
    n = 0;
    do
    :: n < many ->
        down[inverse[n]] = false;
        true_wanted[inverse[n]] = true_wanted[inverse[n]] && PENDING(inverse[n]);
#ifndef WITHOUT_RELEASING_BY_NAME
        commit_release(inverse[n]);
#else
        x = (held[1] != 0 -> held[1] : held[0]); /* the last press, whatever was sent */
        commit_release(x);
#endif
        n++
    :: else -> break
    od
}

/* Execution begins, in the order of hand-over. What the fence would refuse has ended already. */
inline take() {
    given?key, kind, its_serial, its_epoch;
    assert(owner && its_serial == serial);               /* I4 */
    assert(its_epoch == epoch);                          /* I2 */
    assert(draining == 0);                           /* what the former owner began is over */
    assert(kind == releasing || !neutral_owed);      /* and so is its neutral */
    if
    :: kind == release || kind == releasing ->
        commit_release(key); down[key] = false;
        neutral_paid()
#ifndef WITHOUT_FILTER_AT_TAKE
    :: (kind == press || kind == hold) && REPEATS(key) -> /* an empty frame */
        if :: kind == hold -> hold_under_way = false :: else fi;
        key = 0; kind = press
    :: (kind == press || kind == hold) && !REPEATS(key) ->
#else
    :: kind == press || kind == hold ->
#endif
        true_wanted[key] = true_wanted[key] &&
            (kind == press || PENDING(key) || REPEATS(key));
        commit_release(key); /* the doubt */
        commit_press(key); down[key] = true;
        true_serial[key] = serial; true_epoch[key] = epoch
    fi;
    taken!key, kind, its_serial, its_epoch
}

inline pay_neutral() {
    invert();
    assert(len(given) == 0);
    if
    :: accepted = 0
    :: inverse[0] != 0 -> accepted = 1
    :: inverse[1] != 0 -> accepted = 2
    fi;
    accept_releases(accepted);
#ifdef WITHOUT_KEEPING_WHAT_IS_NOT_ACCEPTED
    held[0] = 0; held[1] = 0;
#endif
    neutral_paid()
}

inline neutral() {
    if
    :: held[0] == 0
    :: else -> neutral_owed = true; pay_neutral(); start_drain()
    fi
}

/* It may have been applied, or not. Under a lease that is over, its inverse is due again. */
inline input_failed() {
    if :: down[key] = true :: down[key] = false fi;
#ifndef WITHOUT_DOUBT
    if
    :: !HOLDS(key) -> commit_press(key); true_serial[key] = its_serial; true_epoch[key] = its_epoch
    :: else
    fi;
    doubt[key] = true;
#ifndef WITHOUT_NEUTRAL_AFTER_FAILURE
    if :: !owner || its_serial != serial -> neutral() :: else fi
#endif
#endif
}

/* What has not begun ends; a hold in its time too, for neutral releases it. */
inline end_commands() {
    d_step {
        do
        :: len(queue) > 0 -> queue?key, kind, its_serial, its_epoch
        :: len(queue) == 0 && len(given) > 0 -> given?key, kind, its_serial, its_epoch
        :: else -> break
        od;
#ifndef WITHOUT_ENDING_HOLDS
        holding_key = 0; holding_serial = 0;
#endif
        hold_under_way = (holding_key != 0) || taken??[_, hold, _, _] || taken??[_, releasing, _, _]
    }
}

/* Released, preempted, dead: all the same here. */
inline end_lease() {
    end_commands();
    draining = len(taken);
#ifndef WITHOUT_NEUTRAL_AT_END_OF_LEASE
    neutral();
#endif
    RISE(serial);
    owner = false;
    forget_wishes();
    start_drain()
}

inline quarantine() {
    end_commands();
    do
    :: len(taken) > 0 -> taken?key, kind, its_serial, its_epoch
    :: else -> break
    od;
    adapter = false; hold_under_way = false;
    draining = 0;
    clear_held();
    drained();
    if
    :: owner -> end_lease()
    :: else
    fi
}

/* The lease survives; what it holds goes up before the new epoch is announced. */
inline roll_over() {
    RISE(epoch);
    end_commands(); /* end_stale_commands: nothing here is of the new epoch yet */
#ifndef WITHOUT_NEUTRAL_AT_END_OF_EPOCH
    neutral();
#endif
    forget_wishes();
    assert(held[0] == 0 || neutral_owed)                 /* announced from here on */
}

/* They go up when the adapter accepts them. */
inline owe(k) {
    if :: !HOLDS(k) -> commit_press(k) :: else fi;
    neutral_owed = true;
    start_drain()
}

/* The restored machine may believe modifiers down that nobody holds. */
inline release_for_safety() {
    assert(len(given) == 0);
    assert(!HOLDS(MODIFIER) || neutral_owed || doubt[MODIFIER]); /* no new press is swept away */
    if
    :: down[MODIFIER] = true
    :: true
    fi;
#ifndef WITHOUT_SAFETY_RELEASE
    if
    :: inverse[0] = MODIFIER; inverse[1] = 0; accept_releases(1);
#ifndef WITHOUT_PAYMENT_BY_SAFETY_RELEASE
        neutral_paid()
#endif
    :: owe(MODIFIER)
    fi
#endif
}

/* What holds whenever the core returns to its loop. */
inline settled() {
    d_step {
        key = 0; kind = 0; its_serial = 0; its_epoch = 0; accepted = 0; x = 0; fine = false;
        inverse[0] = 0; inverse[1] = 0;
        for (n : 1 .. KEYS) {
            if :: !HOLDS(n) -> true_serial[n] = 0; true_epoch[n] = 0 :: else fi;
            assert(!down[n] || HOLDS(n));                /* nothing stays down */
            if
            :: HOLDS(n) && !neutral_owed ->              /* I14 */
                assert(owner && true_serial[n] == serial);
                assert(true_epoch[n] == epoch || doubt[n])
            :: else
            fi;
            if
            :: adapter && LIVE == 0 && !neutral_owed && !doubt[n] ->
                assert(down[n] == true_wanted[n])        /* as the owner asked, in its order */
            :: else
            fi
        }
        n = 0;
        assert(!neutral_owed || held[0] != 0);
        assert(drain_timer == (draining != 0 || neutral_owed)); /* nobody waits forever */
    }
}

active proctype controls() {
end:
    do
    :: atomic { !owner && COUNTER_LIMIT - serial >= 2 -> /* acquire */
        RISE(serial);
        owner = true;
        assert(len(queue) + len(given) == 0 && holding_key == 0);
        assert(held[0] == 0 || neutral_owed);            /* I13 */
        settled()
       }
    :: atomic { owner -> end_lease(); settled() }
    :: atomic { owner && adapter && LIVE < NODES ->      /* submit */
        if :: key = 1 :: key = 2 fi;
        if
        :: true_wanted[key] = false; queue!key, release, serial, epoch
        :: true_wanted[key] = true; queue!key, press, serial, epoch
        :: queue!key, hold, serial, epoch /* afterwards it is as it was before */
        fi;
        settled()
       }
    od
}

#ifdef WITHOUT_WAITING_FOR_NEUTRAL
#define NEUTRAL_BLOCKS false
#else
#define NEUTRAL_BLOCKS neutral_owed
#endif
#ifdef WITHOUT_WAITING_FOR_THE_DRAIN
#define DRAIN_BLOCKS false
#else
#define DRAIN_BLOCKS (draining != 0)
#endif
#ifdef WITHOUT_WAITING_FOR_THE_RESTORE
#define RESTORE_BLOCKS false
#else
#define RESTORE_BLOCKS commanded
#endif
#define BLOCKED (DRAIN_BLOCKS || NEUTRAL_BLOCKS || RESTORE_BLOCKS || hold_under_way)

active proctype adapters() {
end:
    do
    :: atomic { /* consider, frame_acts, hand_over */
        adapter && len(queue) > 0 && !BLOCKED ->
        queue?key, kind, its_serial, its_epoch;
        fine = (kind == release -> HOLDS(key) : !REPEATS(key));
#ifndef WITHOUT_ORDER_OF_FRAMES
        fine = fine || len(given) != 0; /* what those will change is not known yet */
#endif
        if
        :: fine -> given!key, kind, its_serial, its_epoch; hold_under_way = (kind == hold)
        :: else /* repeats: done */
        fi;
        settled()
       }
    :: atomic { len(given) > 0 -> take(); settled() }
    :: atomic { len(taken) > 0 -> /* complete, in their order */
        taken?key, kind, its_serial, its_epoch;
        fine = (owner && its_serial == serial && its_epoch == epoch);
#ifdef WITHOUT_CUTTING_HOLDS
        fine = true;
#endif
        if
        :: /* done */
            if
            :: kind == hold && fine -> holding_key = key; holding_serial = its_serial
            :: kind == hold && !fine -> hold_under_way = false /* neutral released it */
            :: kind == releasing -> hold_under_way = false
            :: else
            fi
        :: key != 0 -> /* failed */
            if :: kind >= hold -> hold_under_way = false :: else fi;
            input_failed()
        fi;
        if :: draining != 0 -> draining-- :: else fi;
        drained();
        settled()
       }
    :: atomic { holding_key != 0 -> /* end_hold */
        assert(HOLDS(holding_key));
        given!holding_key, releasing, holding_serial, epoch;
        holding_key = 0; holding_serial = 0;
        settled()
       }
    :: atomic { neutral_owed -> pay_neutral(); settled() } /* input_ready */
    :: atomic { adapter -> quarantine(); settled() }       /* it failed, or on_drain_timer */
    :: atomic { !adapter -> adapter = true }
    od
}

active proctype machine() {
end:
    do
    :: atomic { !commanded && epoch < EPOCHS -> roll_over(); settled() } /* the guest resets */
    :: atomic { adapter && (commanded || epoch < EPOCHS) ->              /* is restored */
        if :: !commanded -> roll_over() :: else fi;
        release_for_safety();
        settled()
       }
    :: atomic { commanded || epoch < EPOCHS ->                           /* is powered off */
        if :: !commanded -> roll_over() :: else fi;
        true_wanted[1] = true_wanted[1] && PENDING(1);
        true_wanted[2] = true_wanted[2] && PENDING(2);
        clear_held(); drained();
        settled()
       }
    :: atomic { !commanded && epoch < EPOCHS -> roll_over(); commanded = true; settled() }
    :: atomic { commanded ->                                             /* failed */
        commanded = false;
        if :: true :: epoch < EPOCHS -> roll_over() fi; /* for what was absorbed */
        settled()
       }
    :: atomic { commanded && adapter -> commanded = false; release_for_safety(); settled() }
    od
}
