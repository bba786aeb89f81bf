/* cli/commands.h - every subcommand.  argv[0] is its name; the result is the program's exit code. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

int command_txt2img(int argc, char **argv);
int command_img2img(int argc, char **argv);
int command_inpaint(int argc, char **argv);
int command_control(int argc, char **argv);
int command_adapter(int argc, char **argv);
int command_guide(int argc, char **argv);
int command_invert(int argc, char **argv);
int command_edict(int argc, char **argv);
int command_doodl(int argc, char **argv);
int command_again(int argc, char **argv);
int command_encode(int argc, char **argv);
int command_decode(int argc, char **argv);
int command_segment(int argc, char **argv);
int command_tokenize(int argc, char **argv);
int command_embed(int argc, char **argv);
int command_train(int argc, char **argv);
int command_info(int argc, char **argv);
int command_convert(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_metric(int argc, char **argv);
int command_classify(int argc, char **argv);
int command_golden(int argc, char **argv);
int command_data(int argc, char **argv);
int command_table(int argc, char **argv);
int command_demo(int argc, char **argv);

#endif
