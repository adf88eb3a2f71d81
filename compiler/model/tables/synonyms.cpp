// The words of other frameworks; see synonyms.h. A word may stand in several rows: what the place allows decides.
#include "compiler/model/tables/synonyms.h"

#include <cctype>

namespace gradc {

const std::vector<Synonyms> &synonyms() {
  static const std::vector<Synonyms> rows = {
      // the file as a whole
      {"inputs", "features placeholders input_layer"},
      {"layers", "model network net architecture modules"},
      {"loss", "criterion objective loss_function loss_fn cost"},
      {"optimizer", "optim solver"},
      {"train", "training trainer fit hyperparameters"},
      // inputs
      {"shape", "size dims input_shape target_shape"},
      {"dtype", "data_type"},
      {"f32", "float32 float single"},
      {"f64", "float64 double"},
      {"i32", "int32 int integer"},
      {"i64", "int64 long"},
      // layers
      {"dense", "linear fc fully_connected gemm"},
      {"concat", "concatenate cat"},
      {"multiply", "mul"},
      {"subtract", "sub"},
      {"divide", "div"},
      {"minimum", "min"},
      {"maximum", "max"},
      {"mean", "average reduce_mean"},
      {"sum", "reduce_sum"},
      {"slice", "narrow crop"},
      {"split", "chunk"},
      {"tile", "repeat"},
      {"clip", "clamp"},
      {"normalize", "unit_normalization l2_normalize"},
      {"noise", "gaussian_noise"},
      {"alpha_dropout", "feature_alpha_dropout"},
      {"stochastic_depth", "drop_path"},
      {"reshape", "view"},
      {"scale", "rescaling gamma affine elementwise_affine use_scale"},
      {"offset", "beta center bias use_bias use_offset"},
      {"scale_initializer", "gamma_initializer weight_initializer"},
      {"offset_initializer", "beta_initializer bias_initializer"},
      {"batch_norm", "batch_norm1d batch_norm2d batch_norm3d batch_normalization bn"},
      {"layer_norm", "layer_normalization"},
      {"group_norm", "group_normalization"},
      {"instance_norm", "instance_norm1d instance_norm2d instance_norm3d instance_normalization"},
      {"rms_norm", "rms_normalization"},
      {"spatial_dropout", "spatial_dropout1d spatial_dropout2d spatial_dropout3d dropout1d dropout2d dropout3d feature_dropout"},
      {"permute", "transpose"},
      {"zero_padding", "pad padding zero_pad zero_pad1d zero_pad2d zero_pad3d zero_padding1d zero_padding2d zero_padding3d"},
      {"cropping", "crop center_crop cropping1d cropping2d cropping3d"},
      {"upsample", "up_sampling up_sampling1d up_sampling2d up_sampling3d upsampling interpolate resize"},
      {"global_average_pool", "global_average_pooling global_average_pooling1d global_average_pooling2d global_average_pooling3d "
                              "global_avg_pool global_avg_pooling gap adaptive_avg_pool adaptive_avg_pool1d adaptive_avg_pool2d"},
      {"global_max_pool", "global_max_pooling global_max_pooling1d global_max_pooling2d global_max_pooling3d adaptive_max_pool "
                          "adaptive_max_pool1d adaptive_max_pool2d"},
      {"one_hot", "category_encoding"},
      {"units", "out_features output_size hidden_size neurons nodes num_units n_units width size out_dim output_dim"},
      {"use_bias", "bias has_bias"},
      {"weight_initializer", "kernel_initializer weight_init init initializer"},
      {"bias_initializer", "bias_init"},
      {"l2", "kernel_regularizer regularizer"},
      {"constraint", "kernel_constraint weight_constraint"},
      {"max_norm", "renorm"},
      {"non_negative", "nonneg non_neg"},
      {"limit", "max_value"},
      {"activity_l2", "activity_regularizer"},
      {"spectral_norm", "spectral_normalization"},
      {"share", "shared tie tied_to weights_of"},
      {"groups", "param_groups parameter_groups"},
      {"rate_factor", "lr_factor lr_mult lr_scale"},
      {"decay_factor", "decay_mult wd_mult"},
      {"decay_except", "exclude_from_weight_decay no_decay"},
      {"match", "params pattern patterns"},
      {"frozen", "freeze"},
      {"average", "ema use_ema averaging swa"},
      {"ema", "exponential_moving_average exponential"},
      {"polyak", "swa stochastic_weight_averaging mean"},
      {"accumulate", "gradient_accumulation_steps accumulate_grad_batches gradient_accumulation accumulation_steps"},
      {"decay", "ema_momentum ema_decay"},
      {"activation", "act nonlinearity function func fn activation_function"},
      {"rate", "p prob probability dropout dropout_rate drop_prob"},
      {"axis", "dim"},
      {"axes", "axis dim dims normalized_shape"},
      {"groups", "num_groups"},
      {"padding", "pad pads"},
      {"cropping", "crop crops"},
      {"factor", "scale_factor size factors"},
      {"interpolation", "mode"},
      {"bilinear", "linear trilinear"},
      {"keep", "keepdim keepdims"},
      {"times", "repeats multiples reps dims n"},
      {"stop", "end limit"},
      {"step", "stride strides"},
      {"parts", "chunks num_or_size_splits indices_or_sections sections"},
      {"trainable", "requires_grad"},
      {"classes", "num_classes n_classes depth num_tokens"},
      {"factor", "scalar multiplier gamma"},
      // activations and initializers
      {"linear", "identity none"},
      {"sigmoid", "logistic"},
      {"silu", "swish"},
      {"gelu_tanh", "gelu_new gelu_approximate"},
      {"sine", "sin siren"},
      {"abs", "absolute"},
      {"prelu", "parametric_relu"},
      {"alpha", "negative_slope slope rho"},
      {"frequency", "omega omega_0 w0"},
      {"slopes", "num_parameters shared_axes"},
      {"slope_initializer", "alpha_initializer"},
      {"xavier_uniform", "glorot_uniform"},
      {"xavier_normal", "glorot_normal"},
      {"he_uniform", "kaiming_uniform"},
      {"he_normal", "kaiming_normal"},
      {"normal", "random_normal gaussian"},
      {"uniform", "random_uniform"},
      {"truncated_normal", "trunc_normal"},
      {"orthogonal", "orthogonal_initializer"},
      {"lsuv", "lsuv_init layer_sequential_unit_variance data_dependent"},
      {"from_file", "from_numpy from_tensor pretrained"},
      {"identity", "eye"},
      {"gain", "nonlinearity"},
      {"constant", "ones const constant_lr"},
      {"stddev", "std sigma scale"},
      {"mean", "mu loc average reduce_mean"},
      {"min", "low a minval min_value clip_value_min amin reduce_min"},
      {"max", "high b maxval max_value clip_value_max amax reduce_max"},
      // expressions
      {"expression", "lambda formula custom"},
      {"of", "expr formula function expression"},
      {"select", "where"},
      {"clip", "clamp clip_by_value"},
      {"sum", "reduce_sum"},
      {"log_sum_exp", "reduce_logsumexp"},
      {"keep", "keepdims keepdim"},
      {"matmul", "mm bmm"},
      {"stop_gradient", "detach"},
      {"pow", "power"},
      {"log", "ln"},
      // losses and metrics
      {"mse", "mean_squared_error mse_loss squared_error l2_loss"},
      {"mae", "mean_absolute_error mae_loss l1_loss absolute_error"},
      {"binary_cross_entropy", "bce bce_loss bce_with_logits bce_with_logits_loss log_loss logistic"},
      {"huber", "huber_loss"},
      {"smooth_l1", "smooth_l1_loss"},
      {"log_cosh", "log_cosh_loss"},
      {"quantile", "quantile_loss pinball pinball_loss"},
      {"poisson", "poisson_nll poisson_nll_loss poisson_loss"},
      {"gaussian_nll", "gaussian_nll_loss"},
      {"mixture_density", "mdn mixture_same_family"},
      {"binary_focal", "sigmoid_focal_loss binary_focal_loss binary_focal_cross_entropy binary_focal_crossentropy"},
      {"hinge", "hinge_loss"},
      {"dice", "dice_loss"},
      {"focal", "focal_loss categorical_focal_crossentropy"},
      {"nll", "nll_loss"},
      {"kl_divergence", "kl_div kl_div_loss kullback_leibler_divergence kld"},
      {"cosine", "cosine_similarity cosine_embedding cosine_embedding_loss"},
      {"distillation", "knowledge_distillation kd"},
      {"triplet", "triplet_loss triplet_margin_loss"},
      {"contrastive", "contrastive_loss"},
      {"probabilities", "y_pred pred predictions output input prediction probs"},
      {"variance", "var"},
      {"log_variance", "log_var"},
      {"means", "mean mu loc locs"},
      {"deviations", "stddev std sigma scale stddevs sigmas scales"},
      {"log_deviations", "log_sigma log_stddev log_std log_scale"},
      {"quantiles", "quantile q tau alpha"},
      {"ignore", "ignore_index ignore_class"},
      {"pos_weight", "positive_weight"},
      {"class_weights", "class_weight weights"},
      {"left", "x1 input1"},
      {"right", "x2 input2"},
      {"teacher", "teacher_logits teacher_output"},
      {"softmax_cross_entropy", "cross_entropy cross_entropy_loss categorical_cross_entropy sparse_categorical_cross_entropy softmax"},
      {"accuracy", "acc categorical_accuracy sparse_categorical_accuracy binary_accuracy"},
      {"r2", "r2_score r_squared"},
      {"f1", "f1_score f_score"},
      {"auc", "roc_auc auroc roc_auc_score"},
      {"confusion", "confusion_matrix"},
      {"prediction", "y_pred pred predictions output input logits"},
      {"target", "y_true targets labels label y"},
      {"logits", "y_pred pred predictions output input prediction"},
      {"labels", "y_true targets target y"},
      {"weight", "loss_weight coefficient"},
      // optimizers and schedules
      {"learning_rate", "lr eta eta0 step_size alpha lr_scheduler lr_schedule scheduler schedule learning_rate_init"},
      {"initial", "lr base_lr initial_lr learning_rate initial_learning_rate max_lr"},
      {"epsilon", "eps"},
      {"weight_decay", "wd l2 l2_penalty decay"},
      {"decoupled_weight_decay", "decoupled_decay decoupled"},
      {"clip_norm", "max_grad_norm max_norm clip_grad_norm gradient_clip_val global_clipnorm grad_clip"},
      {"clip_value", "clip_grad_value grad_clip_value max_grad_value"},
      {"clip_adaptive", "agc adaptive_gradient_clipping adaptive_grad_clip clip_agc"},
      {"adjust_learning_rate", "adjust_lr_fn adjust_lr"},
      {"trust_coefficient", "trust_coeff trust_ratio eta_lars"},
      {"eta_minus", "eta_neg"},
      {"eta_plus", "eta_pos"},
      {"step_min", "min_step_size"},
      {"step_max", "max_step_size"},
      {"warmup_steps", "warmup num_warmup_steps"},
      {"every", "step_size period"},
      {"decay_steps", "t_max total_steps steps"},
      {"decay_rate", "gamma rate"},
      {"boundaries", "milestones"},
      {"factors", "values gammas"},
      {"final_factor", "eta_min min_lr end_factor end_learning_rate alpha"},
      {"cycle_factor", "t_mult t_mul"},
      {"rise", "pct_start"},
      {"metric", "monitor"},
      {"cosine", "cosine_annealing cosine_annealing_lr cosine_decay cosine_annealing_warm_restarts cosine_decay_restarts sgdr"},
      {"step", "step_lr"},
      {"piecewise", "multi_step_lr multistep piecewise_constant piecewise_constant_decay"},
      {"polynomial", "polynomial_lr polynomial_decay"},
      {"linear", "linear_lr linear_decay"},
      {"one_cycle", "one_cycle_lr"},
      {"inverse_sqrt", "inv_sqrt rsqrt noam"},
      {"plateau", "reduce_lr_on_plateau"},
      {"exponential", "exponential_lr exponential_decay"},
      {"inverse_time", "inverse_time_decay"},
      // training and data
      {"batch_size", "batch minibatch mini_batch minibatch_size bs"},
      {"epochs", "num_epochs n_epochs max_epochs epoch nb_epoch max_iter iterations"},
      {"seed", "random_state random_seed manual_seed"},
      {"validation_split", "val_split val_fraction validation_fraction validation_size"},
      {"test_split", "test_size test_fraction"},
      {"early_stopping", "early_stop"},
      {"stratify", "stratified"},
      {"data", "dataset train_data training_data data_path"},
      {"path", "file filename csv source uri"},
      {"delimiter", "sep separator"},
      {"header", "has_header header_row"},
      {"column", "col"},
      {"columns", "cols usecols feature_columns"},
      {"array", "key member array_name"},
      {"standardize", "normalize normalization zscore standard_scaler"},
      {"labels", "class_names categories vocabulary classes mapping"},
  };
  return rows;
}

const std::vector<Foreign> &foreign_words() {
  static const std::vector<Foreign> rows = {
      {"in_features input_size input_dim in_dim in_channels", "gradc finds the size of what a layer reads; remove it"},
      {"betas", "give 'beta1' and 'beta2'"},
      {"amsgrad", "give adam or adamw \"amsgrad\": true"},
      {"etas", "give 'eta_minus' and 'eta_plus'"},
      {"step_sizes", "give 'step_min' and 'step_max'"},
      {"div_factor", "give 'start_factor', which is 1 / div_factor"},
      {"final_div_factor", "give 'final_factor', which is start_factor / final_div_factor"},
      {"from_logits", "the cross-entropies of gradc take logits; remove it"},
      {"reduction", "the losses of gradc are means; remove it"},
      {"drop_connect weight_drop weight_dropout", "give a dense layer a 'drop_connect'"},
      {"freeze frozen", "give the layer \"trainable\": false"},
      {"shape input_shape", "the shape of an input stands in 'inputs'; layers find theirs"},
      {"conv conv1d conv2d conv3d convolution max_pool max_pool2d avg_pool2d pooling", "gradc has no convolution yet"},
      {"rnn lstm gru recurrent", "gradc has no recurrence yet"},
      {"attention multi_head_attention transformer", "gradc has no attention yet"},
      {"track_running_stats", "batch_norm has running statistics, the other normalizations have none; remove it"},
      {"num_features num_channels", "gradc finds the size of what a layer reads; remove it"},
      {"align_corners", "corners are not aligned, as in Keras; remove it"},
      {"embedding", "gradc has no embedding yet; a 'one_hot' and a 'dense' without bias compute the same"},
      {"bool boolean", "give 'i32' for yes or no"},
      {"float16 half bfloat16 f16 bf16", "gradc computes in f32 or f64"},
  };
  return rows;
}

static bool next_letter(std::string_view text, size_t &at, char &letter) {
  while (at < text.size() && (text[at] == '_' || text[at] == '-'))
    ++at;
  if (at == text.size())
    return false;
  letter = static_cast<char>(std::tolower(static_cast<unsigned char>(text[at++])));
  return true;
}

static bool same_word(std::string_view a, std::string_view b) {
  for (size_t i = 0, j = 0;;) {
    char x = 0, y = 0;
    const bool more_a = next_letter(a, i, x), more_b = next_letter(b, j, y);
    if (more_a != more_b || x != y)
      return false;
    if (!more_a)
      return true;
  }
}

bool is_among(std::string_view word, std::string_view words) {
  while (!words.empty()) {
    const size_t end = std::min(words.find(' '), words.size());
    if (same_word(word, words.substr(0, end)))
      return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

} // namespace gradc
