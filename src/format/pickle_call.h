/* pickle_call.h - the globals that a checkpoint may name, and what a call of each makes. */
#ifndef ASSAY_FORMAT_PICKLE_CALL_H
#define ASSAY_FORMAT_PICKLE_CALL_H

#include "format/pickle.h"

/* Whether "module.name" is on the list. */
bool pickle_global_allowed(const char *name);

/* What the function makes of a tuple of arguments; is_new: cls.__new__(*arguments). */
assay_status pickle_call(const char *function, const struct pickle_value *arguments, bool is_new, const char *name,
                         struct arena *arena, struct pickle_value **out, struct assay_error *error);

/* The storage behind a persistent id: ("storage", type, key, location, count[, view]). */
assay_status pickle_persistent(const struct pickle_value *id, const char *name, struct arena *arena,
                               struct pickle_value **out, struct assay_error *error);

#endif
