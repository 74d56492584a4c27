/* common: what the models share. A step of a model is one `atomic`: what the core does on its one
 * thread before it returns to the loop. Between steps anybody may be next.
 *
 * Names are those of the code. Variables that begin with `true_` are history that only assertions
 * read. A check of the contract is guarded by its own WITHOUT_...; with any one of them defined, a
 * model that names it must fail. */

#define NOBODY 0

/* A timer: not armed, armed, or its time has come and nobody has acted on it yet. Time passes
 * whenever it likes. */
#define never 0
#define running 1
#define due 2

/* command_state; what is parked is `queued` here, with a guard */
#define free 0
#define queued 1
#define handed 2
#define begun 3
#define chosen 4

/* A counter never wraps (I21): whoever lets it rise has made sure that there is room. */
#ifdef WITHOUT_COUNTER_LIMIT
#define AT_LIMIT(counter) false
#define RISE(counter) counter = (counter + 1) % COUNTER_LIMIT
#else
#define AT_LIMIT(counter) (counter >= COUNTER_LIMIT)
#define RISE(counter) assert(counter < COUNTER_LIMIT); counter++
#endif
