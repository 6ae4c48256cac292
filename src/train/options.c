/* options.c - the tables of training options. */
#include "train/options.h"
#include "base/option_rows.h"

#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct train_options, field)

const struct option train_option_table[] = {
    {"epochs", OPTION_INT, AT(epochs), "20", 1, 10000, NULL, "passes over the training pictures"},
    {"batch", OPTION_INT, AT(batch), "32", 2, 65536, NULL, "pictures a step; even: classes are half and half"},
    {"steps-per-epoch", OPTION_INT, AT(steps_per_epoch), "0", 0, 1e9, NULL, "steps an epoch; 0: pictures / batch"},
    {"optimizer", OPTION_CHOICE, AT(optimizer), "adamw", 0, 0, OPTIMIZER_CHOICES,
     "how weights follow gradients; least-squares: the last linear layer alone, in closed form at the end of an epoch"},
    {"learning-rate", OPTION_FLOAT, AT(learning_rate), "0.001", 0, 1000, NULL, "highest learning rate"},
    {"schedule", OPTION_CHOICE, AT(schedule), "cosine", 0, 0, SCHEDULE_CHOICES, "course of the learning rate"},
    {"warmup-steps", OPTION_INT, AT(warmup_steps), "0", 0, 1e9, NULL, "steps of linear rise (all but one-cycle)"},
    {"rate-floor", OPTION_FLOAT, AT(rate_floor), "0", 0, 1, NULL,
     "cosine: last learning rate, as a share of the highest"},
    {"one-cycle-rise", OPTION_FLOAT, AT(rise), "0.3", 0, 1, NULL, "one-cycle: share of the steps with a rising rate"},
    {"one-cycle-div", OPTION_FLOAT, AT(div), "25", 1, 1e9, NULL, "one-cycle: highest rate / first rate"},
    {"one-cycle-final-div", OPTION_FLOAT, AT(final_div), "10000", 1, 1e12, NULL, "one-cycle: first rate / last rate"},
    {"step-epochs", OPTION_INT, AT(step_epochs), "10", 1, 10000, NULL, "step: epochs between two drops of the rate"},
    {"step-after", OPTION_INT, AT(step_after), "0", 0, 10000, NULL, "step: epochs before these are counted"},
    {"step-factor", OPTION_FLOAT, AT(step_factor), "0.1", 0, 1, NULL, "step: what the rate is multiplied by"},
    {"drop-patience", OPTION_INT, AT(plateau.patience), "0", 0, 10000, NULL,
     "validations without a better figure after which the rate is divided, whatever the schedule; 0: never"},
    {"drop-div", OPTION_FLOAT, AT(plateau.divisor), "10", 1.0001, 1e9, NULL, "drop-patience: what it is divided by"},
    {"drop-floor", OPTION_FLOAT, AT(plateau.floor), "1e-6", 0, 1000, NULL,
     "drop-patience: training ends where the highest rate would fall below this"},
    {"drop-delta", OPTION_FLOAT, AT(plateau.delta), "0.001", 0, 1000, NULL,
     "drop-patience: by how much a figure must be better"},
    {"drop-later-delta", OPTION_FLOAT, AT(plateau.later_delta), "0.002", 0, 1000, NULL,
     "drop-patience: the same once the rate has been divided"},
    {"group-rates", OPTION_TEXT, AT(group_rates), NULL, 0, 0, NULL,
     "PREFIX=FACTOR,...: parameters whose names begin so learn at so many times the rate; the first that fits counts"},
    {"weight-decay", OPTION_FLOAT, AT(weight_decay), "0.01", 0, 1000, NULL,
     "adamw: decoupled; sgd, adam: added to gradients; least-squares: ridge, on standardised features"},
    {"decay-vectors", OPTION_BOOL, AT(decay_vectors), "false", 0, 0, NULL, "biases and norm scales decay too"},
    {"momentum", OPTION_FLOAT, AT(momentum), "0.9", 0, 1, NULL, "sgd: momentum"},
    {"nesterov", OPTION_BOOL, AT(nesterov), "false", 0, 0, NULL, "sgd: Nesterov's momentum"},
    {"beta1", OPTION_FLOAT, AT(beta1), "0.9", 0, 0.9999999, NULL, "adam, adamw: decay of the gradient's mean"},
    {"beta2", OPTION_FLOAT, AT(beta2), "0.999", 0, 0.9999999, NULL, "adam, adamw: decay of the gradient's mean square"},
    {"epsilon", OPTION_FLOAT, AT(epsilon), "1e-8", 0, 1, NULL, "adam, adamw: added to the root of the mean square"},
    {"clip-norm", OPTION_FLOAT, AT(clip_norm), "0", 0, 1e9, NULL, "largest 2-norm of all gradients together; 0: any"},
    {"ema-decay", OPTION_FLOAT, AT(average_decay), "0", 0, 0.9999999, NULL,
     "moving average of the weights, which is what is judged and saved; 0: none"},
    OPTION_ROW_SEED("seed", AT(seed), "1", "of first weights, order, variation, dropout"),
    OPTION_ROW_PRECISION(AT(precision)),
    {"validate-every", OPTION_INT, AT(validate_every), "1", 1, 100000, NULL, "epochs between validations"},
    {"validation-batch", OPTION_INT, AT(validation_batch), "32", 1, 65536, NULL, "pictures judged at once"},
    {"best-by", OPTION_CHOICE, AT(best_by), "average-precision", 0, 0, "average-precision|balanced-accuracy|auroc|loss",
     "validation figure that chooses the epoch to keep"},
    {"report-last", OPTION_INT, AT(report_last), "5", 1, 10000, NULL,
     "how many of the last epochs judge the pictures of report-data, for their figures' mean and deviation"},
    {0}};

const struct option train_conduct_table[] = {OPTION_ROW_THREADS(offsetof(struct train_conduct, threads),
                                                                "compute threads"),
                                             {"checkpoint-every", OPTION_INT,
                                              offsetof(struct train_conduct, checkpoint_every), "300", 1, 1e9, NULL,
                                              "seconds between checkpoints"},
                                             {0}};

assay_status train_options_check(const struct train_options *options, struct assay_error *error)
{
    if (options->batch % 2 != 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "option batch: %lld is odd; every batch is half real and half generated pictures",
                         (long long)options->batch);
    if (options->schedule == SCHEDULE_ONE_CYCLE && options->warmup_steps > 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "option warmup-steps: one-cycle has a rise of its own; see one-cycle-rise");
    if (options->optimizer == OPTIMIZER_LEAST_SQUARES && options->average_decay > 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "option ema-decay: least-squares finds its weights at once, there is nothing to average");
    if (options->nesterov && options->optimizer == OPTIMIZER_SGD && options->momentum == 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "option nesterov: needs a momentum above 0");
    return ASSAY_OK;
}

/* "PREFIX=FACTOR,...". */
static assay_status parse_groups(const char *text, struct arena *arena, struct optimizer_options *out,
                                 struct assay_error *error)
{
    size_t count = 1;
    for (const char *at = text; *at; at++)
        count += *at == ',';
    struct optimizer_group *groups = arena_alloc(arena, count, sizeof *groups);
    char *copy = arena_strdup(arena, text);
    if (!groups || !copy)
        return error_memory(error, "option group-rates");
    for (size_t i = 0; i < count; i++) {
        char *next = copy + strcspn(copy, ","), *equals = memchr(copy, '=', (size_t)(next - copy)), *end = NULL;
        bool last = *next == '\0';
        *next = '\0';
        double rate = equals ? strtod(equals + 1, &end) : 0;
        if (!equals || equals == copy || !equals[1] || *end || !(rate >= 0 && rate <= 1e6))
            return error_set(error, ASSAY_ERROR_ARGUMENT,
                             "option group-rates: \"%s\" is not PREFIX=FACTOR with a factor of 0 to 1000000", copy);
        *equals = '\0';
        groups[i] = (struct optimizer_group){.prefix = copy, .rate = rate};
        copy = last ? next : next + 1;
    }
    out->groups = groups;
    out->group_count = (int)count;
    return ASSAY_OK;
}

assay_status train_optimizer(const struct train_options *options, struct arena *arena, struct optimizer_options *out,
                             struct assay_error *error)
{
    *out = (struct optimizer_options){
        .kind = (enum optimizer_kind)options->optimizer,
        .weight_decay = options->weight_decay,
        .decay_vectors = options->decay_vectors,
        .momentum = options->momentum,
        .nesterov = options->nesterov,
        .beta1 = options->beta1,
        .beta2 = options->beta2,
        .epsilon = options->epsilon,
        .clip_norm = options->clip_norm,
        .average_decay = options->average_decay,
    };
    return options->group_rates && options->group_rates[0] ? parse_groups(options->group_rates, arena, out, error)
                                                           : ASSAY_OK;
}

struct schedule train_schedule(const struct train_options *options, uint64_t steps_per_epoch)
{
    return (struct schedule){
        .kind = (enum schedule_kind)options->schedule,
        .rate = options->learning_rate,
        .warmup = (uint64_t)options->warmup_steps,
        .floor = options->rate_floor,
        .rise = options->rise,
        .div = options->div,
        .final_div = options->final_div,
        .every = (uint64_t)options->step_epochs * steps_per_epoch,
        .after = (uint64_t)options->step_after * steps_per_epoch,
        .factor = options->step_factor,
    };
}
