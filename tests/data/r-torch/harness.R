# What the snippets of `onecycle code` use of R's packages torch and coro beside the schedulers, which are the real ones.
library(R6)
`::` <- function(package, name) get(as.character(substitute(name)))
library <- function(...) NULL
value_error <- function(...) stop(paste(...))
type_error <- value_error
inform <- message
is_optimizer <- function(x) inherits(x, "torch_optimizer")

lr_scheduler <- function(classname, ...) {
  scheduler <- R6Class(classname, inherit = LRScheduler, lock_objects = FALSE, public = list(...))
  function(...) scheduler$new(...)
}

seen <- character()

Optimizer <- R6Class(
  "torch_optimizer",
  lock_objects = FALSE,
  public = list(
    initialize = function(params, defaults) {
      self$defaults <- defaults
      groups <- if (is.list(params[[1]])) params else list(list(params = params))
      self$param_groups <- lapply(groups, function(group) c(group, defaults))
    },
    step = function() {
      values <- sapply(self$param_groups, function(group) {
        momentum <- if (is.null(group$betas)) group$momentum else group$betas[[1]]
        sprintf("%a %a", group$lr, momentum)
      })
      seen <<- c(seen, paste(values, collapse = " "))
    },
    zero_grad = function() NULL,
    state_dict = function() list(param_groups = self$param_groups),
    load_state_dict = function(state) self$param_groups <- state$param_groups
  )
)
optim_sgd <- function(params, lr) Optimizer$new(params, list(lr = lr, momentum = 0))
optim_rmsprop <- optim_sgd
optim_adam <- function(params, lr) Optimizer$new(params, list(lr = lr, betas = c(0.9, 0.999)))
optim_adamw <- optim_adam

model <- list(parameters = list(1), load_state_dict = function(state) NULL, state_dict = function() list())
parameter_groups <- list(list(params = list(1)), list(params = list(1)))
compute_loss <- function(model, batch) structure(list(backward = function() NULL), class = "loss")
`/.loss` <- function(loss, number) loss

left <- Inf # batches until the run is stopped
count_batch <- function() {
  if (left <= 0) stop("stopped for a checkpoint")
  left <<- left - 1
}
loop <- function(loop) {
  call <- substitute(loop)
  call[[4]] <- bquote({
    count_batch()
    .(call[[4]])
  })
  eval(call, parent.frame())
}

torch_load <- function(path) saved

# usage: harness.R BATCHES SNIPPET [BATCHES_BEFORE SNIPPET_FROM_THE_BEGINNING]
arguments <- commandArgs(TRUE)
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
source(file.path(here, "lr_scheduler.R"))
train_dl <- as.list(seq_len(as.integer(arguments[[1]])))
if (length(arguments) > 2) {
  left <- as.integer(arguments[[3]])
  stopped <- try(eval(parse(arguments[[4]])), silent = TRUE)
  stopifnot(grepl("stopped for a checkpoint", stopped))
  saved <- list(model = list(), optimizer = optimizer$state_dict(), scheduler = scheduler$state_dict())
  left <- Inf
  seen <- character()
}
eval(parse(arguments[[2]]))
writeLines(seen)
