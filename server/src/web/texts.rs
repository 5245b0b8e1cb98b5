//! Every word of the interface, in Russian and in English side by side: a missing translation does not compile.
//!
//! Numbers choose their words by [`ru_plural`] and [`en_plural`]; values from the engine (signals, decisions, reasons)
//! are named in [`super::words`].

macro_rules! texts {
    ($($field:ident $ru:literal $en:literal;)*) => {
        /// The fixed texts of the interface in one language.
        #[derive(Debug)]
        #[allow(missing_docs, reason = "each field is shown beside its words")]
        pub struct Texts { $(pub $field: &'static str,)* }

        /// Russian.
        pub static RU: Texts = Texts { $($field: $ru,)* };
        /// English.
        pub static EN: Texts = Texts { $($field: $en,)* };

        impl Texts {
            /// Every text, for tests.
            #[cfg(test)]
            pub fn all(&self) -> Vec<(&'static str, &'static str)> { vec![$((stringify!($field), self.$field),)*] }
        }
    };
}

texts! {
    lang "ru" "en";
    skip "К содержанию" "Skip to content";
    sections "Разделы" "Sections";
    board "Доска" "Board";
    conversations "Разговоры" "Conversations";
    cases "Кейсы" "Cases";
    customers "Клиенты" "Customers";
    week "Неделя" "Week";
    users "Сотрудники" "People";
    account "Мои настройки" "My settings";
    sign_out "Выйти" "Sign out";
    theme "Тема: как в системе, светлая, тёмная" "Theme: system, light, dark";
    sound_on "Звук оповещений включён" "Alert sound is on";
    sound_off "Звук оповещений выключен" "Alert sound is off";
    keys "Клавиши" "Keys";
    keys_hint "показать клавиши" "show keys";
    close "Закрыть" "Close";
    save "Сохранить" "Save";
    earlier "Раньше" "Earlier";
    later "Позже" "Later";
    nobody "никто" "nobody";
    unknown_customer "Клиент не определён" "Unknown customer";
    unknown "неизвестно" "unknown";
    erased "Слова удалены по просьбе клиента" "The words were erased at the customer's request";

    connecting "Соединяемся…" "Connecting…";
    live_now "Обновляется само" "Updates itself";
    live_lost "Связь прервалась. Восстанавливаем…" "Connection lost. Reconnecting…";
    live_moved "Порядок обновится, когда уберёте указатель" "The order will update when the pointer leaves";

    board_lead "Самые горячие разговоры сверху" "The hottest conversations on top";
    board_empty_title "Сейчас тихо" "All quiet";
    board_empty "Живых разговоров нет. Как только начнётся звонок или чат, он появится здесь сам." "No live conversations. A call or chat appears here as soon as it begins.";
    board_empty_do "Посмотреть прошедшие разговоры" "See past conversations";
    heat "Градус" "Heat";
    heat_now "сейчас" "now";
    heat_max "пик" "peak";
    col_customer "Клиент" "Customer";
    col_said "Последнее важное" "Last that matters";
    col_decision "Решение регламента" "Decision";
    col_owner "У кого" "Who has it";
    col_agent "Оператор" "Agent";
    col_begun "Начало" "Begun";
    col_channel "Канал" "Channel";
    strategic "топ-10" "top 10";
    no_signal "Пока ничего не замечено" "Nothing noticed so far";
    no_decision "Ничего не требуется" "Nothing needed";
    with_agent "у оператора" "with the agent";
    alerts_title "Ждут вас" "Waiting for you";
    alert_repeat "повтор" "repeat";
    alert_new "Нужен руководитель" "A supervisor is needed";
    see "Вижу, займусь" "I see it";
    open_it "Открыть" "Open";

    archive_lead "Все разговоры, последние сверху" "All conversations, latest first";
    archive_all "Все" "All";
    archive_hot "Было жарко" "Hot ones";
    archive_empty_title "Разговоров пока нет" "No conversations yet";
    archive_empty "Загрузите записи или переписку здесь же или командой gradus import." "Upload recordings or transcripts here, or use gradus import.";
    archive_empty_hot "Разговоров с высоким градусом не было." "There were no hot conversations.";
    upload "Загрузить записи или переписку" "Upload recordings or transcripts";
    upload_hint "wav, mp3, ogg, flac, m4a, vCon, JSON, VTT, SRT, CSV" "wav, mp3, ogg, flac, m4a, vCon, JSON, VTT, SRT, CSV";
    upload_go "Загрузить" "Upload";
    upload_done "Загружено" "Uploaded";
    upload_waits "принята и ждёт распознавания: появится в списке сама" "taken, waits for recognition: it appears in the list by itself";
    upload_known "уже было" "already known";
    upload_failed "не получилось" "failed";

    is_live "идёт сейчас" "live";
    is_over "завершён" "over";
    begun "начался" "begun";
    lasts "длится" "lasts";
    agent_role "Оператор" "Agent";
    customer_role "Клиент" "Customer";
    supervisor_role "Руководитель" "Supervisor";
    specialist_role "Специалист" "Specialist";
    attempts_failed "неудачных попыток" "failed attempts";
    calmed_at "Спокойно с" "Calm since";
    go_case "Кейс №" "Case No.";
    open_case "Открыть кейс" "Open a case";
    heat_curve "Кривая градуса" "Heat curve";
    high_line "высокий" "high";
    play "Слушать" "Play";
    pause "Пауза" "Pause";
    speed "Скорость" "Speed";
    back_5 "Назад на 5 секунд" "Back 5 seconds";
    on_5 "Вперёд на 5 секунд" "Forward 5 seconds";
    follow "Следить за звуком" "Follow the sound";
    recording "Запись разговора" "Recording";
    no_sound "Записи нет: разговор письменный" "No recording: a written conversation";
    transcript "Реплики" "Transcript";
    transcript_empty "Пока никто ничего не сказал." "Nobody has said anything yet.";
    decisions "Решения регламента" "Decisions of the protocol";
    from_history "из истории" "from history";
    shadow "теневой режим" "shadow";
    shadow_note "Теневой режим: так решил бы регламент. Никого не оповестили, кейс сам не открылся." "Shadow: this is what the protocol would have decided. Nobody was alerted, no case was opened.";
    shadow_board "Теневой режим: решения видны, но никого не зовут" "Shadow: decisions are shown, but nobody is called";
    history_note "Разговор загружен, когда уже закончился. Так решил бы регламент: никого не оповещали, кейс сам не открылся." "The conversation came in after it had ended. This is what the protocol would have decided: nobody was alerted, no case was opened.";
    decisions_empty "Регламент ничего не потребовал." "The protocol asked for nothing.";
    clause "пункт" "clause";
    protocol "регламент" "protocol";
    say_this "Сказать дословно" "Say word for word";
    evidence "Основание" "Evidence";
    measured "измерено" "measured";
    rule "правило" "rule";
    sure "уверенность" "confidence";
    promises "Обещания клиенту" "Promises to the customer";
    promises_empty "Обещаний не было." "Nothing was promised.";
    no_due "срок не назван" "no time named";
    by_then "до" "by";
    p_open "ждёт" "open";
    p_kept "выполнено" "kept";
    p_broken "не выполнено" "broken";
    p_dropped "снято" "dropped";
    sound_title "Звук" "Sound";
    silence "тишина" "silence";
    hold "ожидание" "hold";
    overlap "одновременно" "overlap";
    import_note "При загрузке" "At import";
    calm_phase "спокойная реплика" "calm utterance";
    time_phase "время" "time";
    to_utterance "к реплике" "to the utterance";
    minute "мин" "min";
    second "с" "s";

    cases_lead "Что ещё ждёт ответа, ближайший срок сверху" "What still waits for an answer, nearest due time first";
    cases_lead_closed "Что решили и во что обошлось, последние сверху" "What was decided and what it cost, latest first";
    tab_open "Открытые" "Open";
    tab_mine "Мои" "Mine";
    tab_closed "Разрешённые" "Resolved";
    cases_empty_title "Открытых кейсов нет" "No open cases";
    cases_empty_closed "Разрешённых кейсов ещё нет" "No resolved cases yet";
    cases_empty_mine "За вами кейсов нет" "You have no cases";
    cases_empty "Кейс открывает регламент, когда разговору нужен руководитель, или сотрудник на странице разговора." "The protocol opens a case when a conversation needs a supervisor; people open one on the page of a conversation.";
    col_number "№" "No.";
    col_state "Состояние" "State";
    col_due "Срок" "Due";
    col_outcome "Итог" "Outcome";
    col_reason "Причина" "Reason";
    no_reason "не указана" "not given";
    p_normal "обычный" "normal";
    p_high "важный" "high";
    p_urgent "срочный" "urgent";
    priority "Срочность" "Priority";
    st_open "ждёт" "waiting";
    st_acknowledged "принят" "acknowledged";
    st_in_work "в работе" "in work";
    st_resolved "разрешён" "resolved";
    opened_at "Открыт" "Opened";
    owner "Ответственный" "Owner";
    why "Почему открыт" "Why it was opened";
    by_hand "Открыт вручную сотрудником." "Opened by hand.";
    take_over "Взять на себя" "Take over";
    hand_over "Передать" "Hand over";
    hand_over_to "Кому" "To whom";
    choose "Выберите" "Choose";
    note "Заметка" "Note";
    note_add "Записать" "Write down";
    note_hint "Что сделали, о чём договорились" "What was done or agreed";
    reopen "Открыть снова" "Reopen";
    resolve "Разрешить" "Resolve";
    resolve_lead "Без причины, решения, цены и вывода кейс не закрывается." "A case is closed only with its reason, decision, cost and conclusion.";
    f_reason "Причина эскалации" "Reason of the escalation";
    f_decision "Что решили" "What was decided";
    f_decision_hint "Например: вернули 897 ₽, пакет отключён насовсем" "For example: refunded 897 ₽, the package is off for good";
    f_cost "Во что обошлось" "What it cost";
    f_cost_hint "0, если ничего не стоило" "0 if it cost nothing";
    f_cost_kind "Чем" "As";
    f_conclusion "Вывод" "Conclusion";
    f_conclusion_hint "Что сделать, чтобы это не повторилось" "What to change so that it does not happen again";
    c_discount "скидка" "discount";
    c_bonus "бонус" "bonus";
    c_refund "возврат" "refund";
    c_other "другое" "other";
    e_reason "Выберите причину." "Choose the reason.";
    e_decision "Напишите, что решили." "Write what was decided.";
    e_conclusion "Напишите вывод: он попадёт в отчёт недели." "Write the conclusion: it goes into the weekly report.";
    e_cost "Напишите число рублей, например 1500 или 0." "Write a number of roubles, such as 1500 or 0.";
    e_negative "Стоимость не бывает отрицательной." "A cost is never negative.";
    e_too_long "Слишком длинно: не больше 4000 знаков." "Too long: 4000 characters at most.";
    e_note "Заметка пустая." "The note is empty.";
    e_to "Выберите, кому передать." "Choose to whom.";
    timeline "Ход дела" "Timeline";
    t_opened "Кейс открыт" "Case opened";
    t_entered "Внесён из прошлых кейсов" "Entered from former cases";
    t_raised "Срочность повышена" "Priority raised";
    t_acknowledged "Принято: увидели и займутся" "Acknowledged";
    t_in_work "Взято в работу" "Taken over";
    t_resolved "Разрешено" "Resolved";
    t_climbed "Не ответили вовремя, оповещён следующий" "No answer in time, the next one was alerted";
    t_overdue "Срок разрешения истёк" "The time to resolve ran out";
    t_open "Передано" "Handed over";
    t_note "Заметка" "Note";
    t_clock_warning "Скоро срок" "Nearly due";
    t_clock_breach "Срок прошёл" "Past due";
    t_informed "Сообщили клиенту" "The customer was told";
    t_paused "Ждём клиента" "Waiting for the customer";
    t_resumed "Клиент ответил, сроки снова идут" "The customer is back, the clocks run on";
    t_in_vain "Клиент не ответил, сроки снова идут" "The customer did not answer, the clocks run on";
    t_prioritised "Срочность изменена" "Priority changed";
    t_asked "Спросили отдел" "A department was asked";
    t_answered "Отдел ответил" "The department answered";
    t_unanswered "Отдел не ответил в срок" "The department did not answer in time";
    g_used_entry "Применили полномочия" "Authority was used";
    g_requested_entry "Просят согласовать" "Leave is asked";
    g_approved_entry "Согласовано" "Allowed";
    g_refused_entry "Не согласовано" "Refused";
    t_followed "Следит за кейсом" "Follows the case";
    t_unfollowed "Больше не следит" "Follows no longer";
    t_other "Событие" "Event";
    k_title "Сроки" "Clocks";
    k_acknowledge "принять" "acknowledge";
    k_join "подключиться" "join";
    k_first_response "первый ответ клиенту" "first answer to the customer";
    k_next_update "следующая весть клиенту" "next word to the customer";
    k_resolve "разрешить" "resolve";
    k_met "сделано" "done";
    k_late "просрочено" "late";
    k_rests "стоит: ждём клиента" "rests: waiting for the customer";
    k_of "из" "of";
    al_join_breach "К разговору никто не подключился" "Nobody joined the conversation";
    al_first_response_warning "Скоро срок первого ответа клиенту" "The first answer is nearly due";
    al_first_response_breach "Клиент так и не получил первого ответа" "The customer got no first answer in time";
    al_next_update_warning "Пора сообщить клиенту, как идут дела" "The customer is to hear how things stand";
    al_next_update_breach "Клиент в неведении: срок весточки прошёл" "The customer is left in the dark";
    al_resolve_warning "Скоро срок разрешения кейса" "The case is nearly due";
    al_resolve_breach "Срок разрешения кейса прошёл" "The case is past due";
    al_ask "Вопрос вашему отделу" "A question to your department";
    al_ask_late "Отдел не ответил в срок" "A department did not answer in time";
    al_answer "Отдел ответил" "A department answered";
    al_waited_in_vain "Клиент не ответил: сроки снова идут" "The customer did not answer: the clocks run on";
    seen_it "Вижу" "Seen";
    op_title "Что помогало в таких кейсах" "What helped in like cases";
    op_free "без затрат" "at no cost";
    op_held "клиент не вернулся с новым кейсом за 14 дней:" "no new case within 14 days:";
    practice "Тренировка" "Practice";
    practice_lead "Клиент отвечает на то, что вы говорите: судят тот же слух и тот же регламент, что в живом разговоре" "The customer answers what you say: the same ear and protocol judge as in a live conversation";
    pt_begin "Начать" "Begin";
    pt_again "Ещё раз" "Again";
    pt_best "лучший" "best";
    pt_won "успокоен" "calmed";
    pt_lost "потерян" "lost";
    pt_open "не окончен" "not finished";
    pt_won_long "Клиент успокоен" "The customer has calmed down";
    pt_lost_long "Клиент потерян" "The customer is lost";
    pt_mine "Мои попытки" "My sessions";
    pt_mine_none "Вы ещё не тренировались: выберите сценарий." "You have not practised yet: choose a scenario.";
    pt_team "Команда за 90 дней" "The team in 90 days";
    pt_sessions "Попыток / успешных" "Sessions / won";
    pt_mean "В среднем" "Mean";
    pt_all "Все сценарии" "All scenarios";
    pt_you "Вы" "You";
    pt_reply "Ваш ответ" "Your reply";
    pt_send "Ответить" "Reply";
    pt_left "Ответов осталось:" "Replies left:";
    pt_facts "Что видно в карточке" "What the card says";
    pt_of_100 "из 100" "of 100";
    pt_heat_last "в конце" "at the end";
    pt_over "сверх полномочий" "beyond the authority";
    pt_over_long "Вы пообещали больше, чем можете дать сами: предложите своё или запросите согласование." "You promised more than you may grant: offer what is yours, or ask for leave.";
    pt_ended_early "Вы завершили разговор раньше, чем разрешает лестница предупреждений." "You ended the talk before the ladder allows it.";
    pt_forbidden "Так лучше не говорить" "Better not said";
    pt_missed "Чего не хватило" "What was missing";
    pt_made "Что получилось" "What worked";
    e_pt_text "Напишите ответ: от 1 до 1000 знаков." "Write a reply: 1 to 1000 characters.";
    pt_say_introduction "«Здравствуйте, меня зовут…»: у человека с именем легче просить и труднее кричать на него." "“Hello, my name is…”: a person with a name is harder to shout at.";
    pt_say_empathy "назовите чувство: «Понимаю, как неприятно…»" "name the feeling: “I understand how unpleasant…”";
    pt_say_apology "извинитесь раньше, чем предлагать: «Простите, что так вышло»" "apologise before you offer: “I am sorry this happened”";
    pt_say_listening "перескажите своими словами или уточните: «Правильно ли я понял, что…?»" "paraphrase or ask: “Do I understand correctly that…?”";
    pt_say_offer "предложите конкретное: «Предлагаю…»" "offer something concrete: “I suggest…”";
    pt_say_time "назовите срок: «Завтра до двенадцати, я напишу»" "name a time: “Tomorrow by noon, I will write”";
    pt_say_ownership "возьмите на себя: «Я лично прослежу», и спросите, что осталось" "take it on: “I will see to it”, and ask what is left";
    pt_not_dismissal "Вместо этого признайте чувство: «Понимаю, почему вы злитесь»." "Acknowledge the feeling instead: “I understand why you are angry”.";
    pt_not_policy "Вместо правил скажите, что можете: «Вот что я могу сделать: …»." "Instead of rules say what you can do: “Here is what I can do: …”.";
    pt_not_helpless "Вместо этого: «Я узнаю у … и вернусь к вам до …»." "Instead: “I will ask … and come back to you by …”.";
    pt_not_blame "Не ищите виноватого: «Давайте посмотрим вместе, что произошло»." "Blame nobody: “Let us look together at what happened”.";
    pt_not_busy "Вместо этого назовите время: «Перезвоню через десять минут»." "Name a time instead: “I will call back in ten minutes”.";
    pt_not_rare "Клиенту важен его случай: «У вас так случилось, и я это исправлю»." "Their case is what matters: “It happened to you, and I will put it right”.";
    pt_not_colleague "Не вините коллег при клиенте: «Мы не доделали, я доделаю»." "Do not blame colleagues: “We did not finish it, I will”.";
    pt_not_empty "Вместо общих слов назовите, кто, что и к какому сроку сделает." "Instead of empty words say who does what by when.";
    pr_title "Регламент" "Protocol";
    pr_banner "Регламент обновился." "The protocol has changed.";
    pr_banner_do "Прочитать и подтвердить" "Read and acknowledge";
    pr_version "Версия" "Version";
    pr_read "Прочитал(а)" "I have read it";
    pr_have_read "Вы прочитали эту версию" "You have read this version";
    pr_edit "Править регламент" "Edit the protocol";
    pr_edit_lead "Проверьте черновик: ошибки с местом и лечением, примеры внутри, отличия от действующего" "Check the draft: faults with place and cure, the examples inside, what differs";
    pr_back "К регламенту" "To the protocol";
    pr_clauses "Когда кого подключать" "Whom to bring in when";
    pr_attempts "Сначала оператор пробует сам, попыток:" "The agent tries first, attempts:";
    pr_strategic "Стратегический клиент: место по выручке / по росту не ниже" "Strategic customer: rank by revenue / growth up to";
    pr_condition "условие" "condition";
    pr_ladder "Лестница предупреждений" "The abuse ladder";
    pr_ladder_lead "Произносится слово в слово; следующая ступень, когда прежняя сказана, а грубость повторилась." "Said word for word; the next step when the one before was said and the abuse recurs.";
    pr_mark "На последней ступени клиент получает отметку" "At the last step the customer is marked";
    pr_alerts "Кого оповещать" "Who is alerted";
    pr_alerts_lead "Сколько ждать ответа, прежде чем звать следующего. Для менее срочных кейсов сроки растягиваются." "How long to wait before the next is called. Less pressing cases climb more slowly.";
    pr_slas "Сроки" "Times";
    pr_calendar "Календарь" "Calendar";
    pr_departments "Смежные отделы и срок их ответа" "Departments and their time to answer";
    pr_unread "Не прочитали" "Have not read";
    pr_all_read "Прочитали все." "Everybody has read it.";
    pr_readers "Прочитали:" "Have read:";
    pr_versions "Версии" "Versions";
    pr_here "действует" "in force";
    pr_from "Начать с этой версии" "Begin from this version";
    pr_builtin "поставляется с Gradus" "ships with Gradus";
    pr_config "из файла настроек" "from the configured file";
    pr_fine "Можно публиковать" "Ready to publish";
    pr_faulty "Сначала исправьте" "Mend this first";
    pr_line "Строка" "Line";
    pr_tests "Примеры внутри прошли:" "Examples inside passed:";
    pr_tests_failed "не прошли:" "failed:";
    pr_expected "ожидалось:" "expected:";
    pr_decided "решено:" "decided:";
    pr_changes "Что меняется" "What changes";
    pr_no_changes "Ничего не меняется." "Nothing changes.";
    pr_check "Проверить и сохранить черновик" "Check and keep the draft";
    pr_saved "Черновик сохранён." "The draft is kept.";
    pr_comment "Что меняется и почему" "What changes and why";
    pr_comment_hint "Руководителя зовём после двух попыток: решение совета 20 ноября" "A supervisor after two attempts: decided on 20 November";
    pr_publish "Опубликовать" "Publish";
    pr_publish_lead "Действует сразу, без перезапуска. Каждый сотрудник подтвердит, что прочитал." "In force at once, without a restart. Everybody acknowledges having read it.";
    pr_drop "Выбросить черновик" "Throw the draft away";
    e_pr_faulty "В черновике есть ошибки: исправьте их и опубликуйте снова." "The draft has faults: mend them and publish again.";
    e_pr_comment "Напишите, что меняется и почему." "Write what changes and why.";
    e_pr_version "Такая версия уже была: решения называют её. Дайте регламенту новое имя версии." "This version was published before and decisions name it: give a new version.";
    al_promise_soon "Скоро срок обещания клиенту" "A promise to the customer is nearly due";
    al_promise_late "Обещание клиенту просрочено" "A promise to the customer is late";
    p_keep "Выполнено" "Kept";
    p_break "Не выполнено" "Broken";
    p_drop "Не нужно" "Dropped";
    p_what "Что с обещанием" "What became of it";
    al_approval "Просят согласовать сверх полномочий" "Leave is asked beyond the authority";
    decimal "," ".";
    authority "Полномочия" "Authority";
    authority_lead "Что дали клиентам сами, что просят согласовать, что пообещали вслух сверх предела" "What was granted, what waits for leave, what was promised beyond the limit";
    g_used "дано" "granted";
    g_approved "согласовано" "allowed";
    g_refused "отказано" "refused";
    g_requested "ждёт согласования" "waits for leave";
    g_spoken "обещано вслух" "promised";
    g_spoken_over "обещано вслух сверх предела" "promised beyond the limit";
    g_ask_only "только с согласованием" "with leave only";
    g_free "можно сразу" "at once";
    g_up_to "до" "up to";
    g_none_left "этому клиенту уже давали" "this customer had it already";
    g_over_limit "сверх ваших полномочий, предел" "is beyond your authority, the limit is";
    g_what "Что" "What";
    g_amount "Сколько" "How much";
    g_amount_hint "10 или 7,5" "10 or 7.5";
    g_reason "Почему" "Why";
    g_reason_hint "Задержали на неделю" "A week late";
    g_use "Дать клиенту" "Grant";
    g_lead "Сверх предела уйдёт запрос руководителю." "Beyond the limit a supervisor is asked.";
    g_span "За сколько" "Span";
    g_week "Неделя" "Week";
    g_month "30 дней" "30 days";
    g_year "Год" "Year";
    g_waiting "Ждут согласования" "Waiting for leave";
    g_waiting_none "Запросов нет." "No requests.";
    g_limit "предел просящего" "limit of who asks:";
    g_words "Слова к ответу, если нужны" "Words with the answer, if any";
    g_allow "Согласовать" "Allow";
    g_refuse "Отказать" "Refuse";
    g_spent "Кто сколько дал" "Who granted how much";
    g_spent_none "За это время ничего не давали." "Nothing was granted in this time.";
    g_uses "Раз" "Times";
    g_sum "Сумма" "Sum";
    g_overspent "Сверх предела вслух" "Promised beyond";
    g_ledger "Журнал" "Ledger";
    g_empty_title "Журнал пуст" "The ledger is empty";
    g_empty "Полномочия применяют на странице разговора; обещания вслух попадают сюда сами." "Authority is used on the page of a conversation; spoken promises come here by themselves.";
    findings "Проверка" "Auditor";
    findings_lead "Раз в минуту проверяем по базе, что ни один кейс и ни одно оповещение не повисли" "Once a minute the database is checked: no case and no alert hangs";
    findings_empty_title "Ничего не повисло" "Nothing hangs";
    findings_empty "У каждого открытого кейса есть владелец и следующий срок, каждое оповещение кому-то адресовано." "Every open case has an owner and a next due time, every alert calls somebody.";
    fi_due "У кейса нет следующего срока" "A case has no next due time";
    fi_due_cure "Возьмите кейс или смените срочность: сроки встанут заново." "Take the case over or change its priority: the clocks start anew.";
    fi_owner "У кейса нет владельца" "A case has no owner";
    fi_owner_cure "Передайте кейс действующему сотруднику." "Hand the case to an active person.";
    fi_clock "Срок прошёл больше минуты назад, а часы молчат" "A clock is past due for over a minute and is silent";
    fi_clock_cure "Проверьте, что сервер успевает: журнал сервера, нагрузка, место на диске." "Check that the server keeps up: its log, load, disk space.";
    fi_resolution "Кейс закрыт без причины, стоимости или автора" "A case was closed without reason, cost or author";
    fi_resolution_cure "Откройте кейс снова и разрешите полностью." "Reopen the case and resolve it in full.";
    fi_closed "Кейс закрыт, а оповещение всё ещё зовёт" "The case is closed and its alert still calls";
    fi_closed_cure "Откройте и закройте кейс ещё раз." "Reopen and close the case.";
    fi_nobody "Оповещение некому получить" "An alert calls nobody";
    fi_nobody_cure "Добавьте сотрудника с этой ролью или назначьте дежурного." "Add a person of the role, or a turn of duty.";
    fi_dead "Оповещение не дошло ни до кого" "An alert reached nobody";
    fi_dead_cure "Посмотрите «Доставку»: ошибка канала и кнопка «ещё раз»." "See the deliveries: the error of the channel, and «again».";
    fi_department "Отдел спросили, а людей в нём нет" "A department was asked and has no people";
    fi_department_cure "Добавьте сотрудника с ролью «смежный отдел» и командой отдела." "Add a person of the role «department» with its team.";
    duty "Дежурства" "Duty rota";
    duty_lead "Кому приходят оповещения вне страниц: сначала дежурному, без него всем с этой ролью" "Who gets alerts beyond the pages: the one on duty first, without one everybody of the role";
    du_now "Сейчас отвечают" "Answering now";
    du_step "Ступень оповещения" "Step of the ladder";
    du_gap "дежурного нет: оповещаются все с этой ролью" "nobody on duty: everybody of the role is told";
    du_turns "Дежурства впереди" "Turns to come";
    du_turns_empty "Дежурств нет: оповещения идут всем с нужной ролью." "No turns: alerts go to everybody of the role.";
    du_absences "Отсутствия" "Absences";
    du_absences_empty "Все на месте." "Everybody is here.";
    du_role "Роль" "Role";
    du_who "Кто" "Who";
    du_from "С" "From";
    du_until "До" "Until";
    du_here "дежурит" "on duty";
    du_remove "Убрать" "Remove";
    du_substitute "Замещает" "Stands in";
    du_others "остальные с этой ролью" "the others of the role";
    du_add "Назначить дежурство" "Add a turn";
    du_team_hint "пусто: для всех" "empty: for all";
    du_weeks "Повторить, недель" "Repeat, weeks";
    du_zone "Время по часам компании:" "Times by the company's clock:";
    du_leave "Отметить отсутствие" "Add an absence";
    du_for "за" "for";
    du_away "отсутствует" "away";
    e_du_person "Выберите сотрудника." "Choose a person.";
    e_du_span "Проверьте время: конец должен быть позже начала." "Check the times: the end has to be later than the begin.";
    e_du_same "Никто не замещает сам себя: выберите другого." "Nobody stands in for themselves: choose another person.";
    m_bundle "Оповещения одним сообщением" "Alerts in one message";
    d_bundled "соберём в одно сообщение" "to be put together";
    asks "Запросы отделам" "Questions to departments";
    asks_short "Отделы" "Departments";
    asks_lead "Что ждёт ответа отделов, ближайший срок сверху" "What waits for the departments, nearest due first";
    asks_empty_title "Вопросов нет" "No questions";
    asks_empty "Когда кейсу нужен ваш отдел, вопрос появится здесь и придёт оповещение." "When a case needs your department, the question appears here and an alert comes.";
    ask_open "Ждут ответа" "Waiting";
    ask_done "Отвечено" "Answered";
    ask_by_protocol "Нужен ваш ответ: посмотрите разговор и напишите, что делать." "Your answer is needed: read the conversation and say what to do.";
    ask_answer "Ответ" "Answer";
    ask_answer_hint "Что делать и до какого срока" "What to do and by when";
    ask_send "Ответить" "Answer";
    ask_title "Спросить отдел" "Ask a department";
    ask_which "Отдел" "Department";
    ask_what "Вопрос" "Question";
    ask_what_hint "Что нужно узнать или сделать" "What has to be found out or done";
    ask_do "Спросить" "Ask";
    inform_title "Сообщить клиенту" "Tell the customer";
    inform_hint "Что происходит, у кого вопрос, до какого срока" "What happens, who has it, by when";
    inform_lead "Слова останутся в ходе дела. Отправьте их клиенту тем же каналом." "The words stay in the timeline. Send them to the customer on the same channel.";
    inform_again "Следующая весть через, минут" "Next word in, minutes";
    inform_usual "по регламенту" "by the protocol";
    inform_do "Сообщили" "Told";
    wait_do "Ждём клиента" "Wait for the customer";
    wait_until "ждём клиента до" "waiting for the customer until";
    resume_do "Клиент ответил" "The customer answered";
    prioritise "Срочность" "Priority";
    prioritise_do "Изменить" "Change";
    follow_case "Следить" "Follow";
    unfollow "Не следить" "Unfollow";
    followers "Следят" "Followers";
    e_text "Напишите, что именно." "Write what exactly.";
    since_contact "с первого обращения" "since the first contact";
    hints "Подсказки" "Hints";
    hint_say "Скажите" "Say";
    hint_avoid "Не говорите" "Do not say";
    hint_ladder "Предупредите, слово в слово" "Warn, word for word";
    by_import "при загрузке" "at import";
    by_protocol "по регламенту" "by the protocol";
    first_minute "Первая минута разговора" "The first minute of the conversation";
    first_1 "Представьтесь: имя и должность." "Introduce yourself: name and position.";
    first_2 "Назовите, что чувствует клиент, и извинитесь." "Name what the customer feels, and apologise.";
    first_3 "Разберите вместе, что произошло: своими словами." "Go through what happened together, in your own words.";
    first_4 "Предложите решение и назовите срок." "Offer a solution and name the time.";
    resolved_by "Разрешил" "Resolved by";
    only_supervisor "Действия с кейсом доступны руководителю. Оператор остаётся на кейсе до конца." "Supervisors act on cases. The agent stays on the case until it ends.";
    its_conversation "Разговор" "Conversation";
    earlier_talks "Прошлые разговоры" "Earlier conversations";

    week_title "Неделя" "Week of";
    week_lead "Сколько, почему, что решили и во что обошлось" "How many, why, what was decided and what it cost";
    w_conversations "разговоров" "conversations";
    w_escalated "с эскалацией" "escalated";
    w_share "доля эскалаций" "share escalated";
    w_opened "кейсов открыто" "cases opened";
    w_closed "разрешено" "resolved";
    w_left "осталось открыто" "left open";
    w_cost "стоимость решений" "cost of resolutions";
    w_repeat "повторных обращений за 14 дней" "repeat contacts within 14 days";
    w_by_reason "Почему эскалировали" "Why they escalated";
    w_by_decision "Что решал регламент" "What the protocol decided";
    w_by_agent "У кого из операторов" "By agent";
    w_by_resolution "Причины закрытых кейсов" "Reasons of closed cases";
    w_trend "Эскалации по неделям" "Escalations by week";
    w_empty "За эту неделю записей нет." "Nothing was recorded in this week.";
    w_empty_part "Ничего." "Nothing.";
    no_name "имя не указано" "no name";

    customers_lead "Найдите клиента по имени, телефону, почте или номеру" "Find a customer by name, telephone, e-mail or number";
    find "Найти" "Find";
    customers_empty_title "Никого не нашли" "Nobody found";
    customers_empty "Проверьте написание. Список клиентов загружается командой gradus import customers.csv." "Check the spelling. Customers are loaded by gradus import customers.csv.";
    contract "Договор" "Contract";
    contract_until "до" "until";
    terms "Особые условия" "Personal terms";
    manager "Ведёт" "Looked after by";
    revenue "Выручка за год" "Revenue, 12 months";
    rank_revenue "Место по выручке" "Rank by revenue";
    rank_growth "Место по росту" "Rank by growth";
    mark "Отметка" "Mark";
    contacts "Контакты" "Contacts";
    purchases "Покупки за год" "Purchases, 12 months";
    purchases_empty "Покупок за год нет." "No purchases in the last year.";
    his_conversations "Разговоры" "Conversations";
    his_cases "Кейсы" "Cases";

    users_lead "Кто может войти и что ему видно" "Who may sign in and what they see";
    user_add "Добавить сотрудника" "Add a person";
    u_name "Имя и фамилия" "Name";
    u_login "Имя для входа" "Login";
    u_password "Пароль" "Password";
    u_password_hint "не короче 8 знаков" "at least 8 characters";
    u_role "Роль" "Role";
    u_team "Группа" "Team";
    u_team_hint "пусто: видит все группы" "empty: sees all teams";
    u_active "Может войти" "May sign in";
    u_blocked "закрыт" "blocked";
    u_block "Закрыть вход" "Block";
    u_unblock "Открыть вход" "Unblock";
    u_you "это вы" "you";
    e_login "Придумайте имя для входа: латинские буквы, цифры, точка, дефис." "Choose a login: Latin letters, digits, dot, hyphen.";
    e_login_taken "Такое имя уже занято." "This login is taken.";
    e_name "Напишите имя: его увидят коллеги." "Write a name: colleagues will see it.";
    e_password "Пароль короче 8 знаков." "The password is shorter than 8 characters.";
    e_role "Выберите роль." "Choose a role.";
    e_self "Себе вход закрыть нельзя: иначе некому будет открыть." "You cannot block yourself.";

    sign_in "Вход" "Sign in";
    sign_in_go "Войти" "Sign in";
    sign_in_wrong "Имя или пароль не подходят." "Login or password do not fit.";
    sign_in_slow "Слишком много попыток. Подождите несколько минут и попробуйте снова." "Too many tries. Wait a few minutes and try again.";
    sign_in_again "Вход устарел. Войдите ещё раз." "Your sign-in has ended. Sign in again.";
    tagline "Видно, когда разговор накаляется" "See when a conversation heats up";
    setup "Первый запуск" "First run";
    setup_lead "Создайте администратора. Остальных сотрудников добавит он." "Create the administrator, who then adds everybody else.";
    setup_go "Создать и войти" "Create and sign in";
    language "Язык" "Language";
    password_new "Новый пароль" "New password";
    password_old "Нынешний пароль" "Present password";
    password_change "Сменить пароль" "Change password";
    password_changed "Пароль изменён." "The password was changed.";
    e_password_old "Нынешний пароль не подходит." "The present password does not fit.";

    channels "Куда слать оповещения" "Where alerts go";
    channels_lead "На странице оповещения видны всегда. Здесь то, что приходит помимо неё." "Alerts are always on the page. These come besides it.";
    ch_email "Почта" "E-mail";
    ch_telegram "Телеграм" "Telegram";
    ch_address "Адрес" "Address";
    ch_on "Присылать оповещения" "Send alerts";
    ch_quiet "Тихие часы" "Quiet hours";
    ch_quiet_hint "Срочное придёт и в тихие часы." "What is urgent comes in quiet hours too.";
    ch_from "с" "from";
    ch_to "до" "until";
    ch_test "Проверить" "Try it";
    ch_save "Сохранить, куда слать" "Save where alerts go";
    ch_saved "Сохранено." "Saved.";
    ch_sent "Отправлено, проверьте" "Sent, look at";
    ch_failed "Не получилось" "It did not work";
    ch_wait "Подождите несколько секунд и повторите." "Wait a few seconds and try again.";
    ch_none_mail "Почта на сервере не настроена. Её включает администратор в разделе [mail] файла настроек." "Mail is not set up on the server. The administrator does it in section [mail] of the configuration.";
    ch_none_telegram "Бот на сервере не настроен. Его включает администратор в разделе [telegram] файла настроек." "The bot is not set up on the server. The administrator does it in section [telegram] of the configuration.";
    ch_e_email "Адрес не похож на почтовый." "This is no e-mail address.";
    ch_e_hours "Укажите оба времени или ни одного." "Give both times or none.";
    tg_linked "Чат связан" "The chat is linked";
    tg_not_linked "Чат ещё не связан." "No chat is linked yet.";
    tg_link "Связать чат" "Link a chat";
    tg_unlink "Отвязать" "Unlink";
    tg_code "Отправьте боту в течение 15 минут, код одноразовый:" "Send this to the bot within 15 minutes, the code works once:";
    tg_no_code "Код не подходит или устарел. Возьмите новый на странице «Мои настройки»." "The code does not fit or is too old. Get a new one on the page «My settings».";
    tg_stranger "Этот чат ни с кем не связан." "This chat is linked to nobody.";
    tg_accepted "Принято за вами" "It is yours";
    tg_thanks "Спасибо, учтём" "Thank you, noted";
    m_alert "Оповещение №" "Alert No.";
    m_repeat "Повтор" "Repeat";
    m_climbed "никто не ответил вовремя" "nobody answered in time";
    m_accept "Принять" "Accept";
    m_snooze "Отложить" "Snooze";
    m_right "Верно" "True";
    m_wrong "Ложная" "False";
    m_taken "Принято" "Accepted by";
    m_over "На него уже ответили" "It was answered already";
    m_snoozed "Напомним в" "You will be reminded at";
    m_footer "Это оповещение Gradus. Настройки: страница «Мои настройки»." "An alert of Gradus. Settings: the page «My settings».";
    m_test "Проверка оповещений Gradus" "Test of alerts of Gradus";
    m_test_body "Проверка: оповещения Gradus сюда доходят." "A test: alerts of Gradus arrive here.";
    v_right "Оповещение верное" "The alert was true";
    v_wrong "Оповещение ложное" "The alert was false";
    v_misheard "Слова распознаны неверно" "The words were misheard";
    v_no_anger "Клиент не конфликтовал" "There was no conflict";
    v_solved "Вопрос был уже решён" "It was solved already";
    v_other "Другое" "Something else";
    v_why "Почему ложная" "Why false";
    judge_hint "Верный ли это сигнал?" "Is this signal right?";
    j_false "Ложный" "False";
    j_right "верно" "true";
    j_wrong "ложный" "false";
    j_back "Снять отметку" "Take it back";
    j_by_hand "отмечено вручную" "marked by hand";
    j_add "не замечено…" "missed…";
    j_missed "Что не замечено" "What was missed";
    j_note "Отметить" "Mark";
    alerts_of_case "Оповещения" "Alerts";
    d_waiting "ждёт отправки" "waits to be sent";
    d_failed "не ушло, повторим" "did not go, will be repeated";
    d_sent "отправлено" "sent";
    d_dead "не доставлено" "not delivered";
    d_dropped "не понадобилось" "not needed";
    d_none "Только на странице." "On the page alone.";
    d_company "канал компании" "channel of the company";
    rp_title "Отчёт об эскалациях за неделю" "Report of escalations, week";
    rp_files "Отчёт файлом" "Report as a file";
    rp_page "страница" "page";
    rp_book "таблица Excel" "Excel workbook";
    rp_sheet "Отчёт" "Report";
    rp_section "Раздел" "Section";
    rp_name "Показатель" "Figure";
    rp_main "Главное" "Main figures";
    rp_cost "Стоимость решений" "Cost of resolutions";
    rp_all "Всего" "In all";
    rp_none "нет" "none";
    rp_nothing "За эти недели ничего не было." "There was nothing in these weeks.";
    rp_same "как на прошлой неделе" "as the week before";
    rp_than_before "к прошлой неделе" "than the week before";
    rp_ack_median "время до «вижу», медиана" "time to «I see it», median";
    rp_ack_p90 "время до «вижу», девять из десяти" "time to «I see it», nine of ten";
    rp_resolve_median "время до разрешения, медиана" "time to resolution, median";
    rp_resolve_p90 "время до разрешения, девять из десяти" "time to resolution, nine of ten";
    rp_false_share "доля ложных среди отмеченных оповещений" "share of false among judged alerts";
    rp_kept_share "доля выполненных обещаний" "share of promises kept";
    rp_without "Передали без своей попытки" "Handed on without an own attempt";
    forgive "Снять отметку" "Take the mark away";
    streams "Телефония" "Telephony";
    streams_lead "Какой звук приходит сейчас и что не принято" "What sound comes in now and what was not taken";
    streams_empty_title "Сейчас никто не говорит" "Nobody speaks now";
    streams_empty "Открытых потоков нет. Адреса для станции справа." "No stream is open. The addresses for the exchange are on the right.";
    st_missing "Звук записывается, но не распознаётся:" "Sound is kept but not recognised:";
    st_mixed "обе на одном канале" "both on one channel";
    st_off "выключен (live.audiosocket)" "off (live.audiosocket)";
    st_call "Звонок" "Call";
    st_party "Сторона" "Party";
    st_words "Слова сейчас" "Words now";
    st_behind "распознавание отстало" "recognition is behind";
    st_keeps_up "успевает" "keeps up";
    st_refused "Не принято" "Refused";
    st_refused_none "Отказов с запуска не было." "Nothing was refused since the start.";
    st_when "Когда" "When";
    st_way "Путь" "Way";
    st_from "Откуда" "From";
    st_why "Почему" "Why";
    st_ways "Куда подключать станцию" "Where to connect the exchange";
    st_token "Для WebSocket нужен токен:" "A WebSocket needs a token:";
    deliveries "Доставка" "Delivery";
    deliveries_lead "Что не дошло и что повторяется" "What did not arrive and what is repeated";
    deliveries_empty_title "Всё доставлено" "Everything was delivered";
    deliveries_empty "Недоставленных оповещений нет." "There are no alerts that did not arrive.";
    d_col_whom "Кому" "To whom";
    d_col_channel "Канал" "Channel";
    d_col_error "Что случилось" "What happened";
    d_tries "попыток" "attempts";
    d_again "Отправить снова" "Send again";
    d_company_channels "Каналы компании" "Channels of the company";
    d_company_none "Вебхуков нет. Их включает раздел [[alert.webhooks]] файла настроек." "There are no webhooks. Section [[alert.webhooks]] of the configuration adds them.";

    to_board "На доску" "To the board";
    err_forbidden "Недостаточно прав" "Not allowed";
    err_forbidden_do "Эта страница открыта другим ролям. Доступ даёт администратор." "This page is for other roles. The administrator grants access.";
    err_not_found "Такой страницы нет" "No such page";
    err_not_found_do "Возможно, адрес набран с ошибкой или разговор удалён." "The address may be mistyped, or the conversation was erased.";
    err_refused "Так сделать нельзя" "This cannot be done";
    err_wrong "В запросе ошибка" "The request is wrong";
    err_csrf "Страница устарела" "The page is out of date";
    err_csrf_do "Откройте её заново и повторите." "Open it again and repeat.";
    err_busy "Сервер занят" "The server is busy";
    err_busy_do "Повторите через несколько секунд." "Try again in a few seconds.";
    err_room "Закончилось место на диске" "The disk is full";
    err_room_do "Чтение работает, новые записи пока не принимаются. Скажите администратору." "Reading works, new records are not accepted now. Tell the administrator.";
    err_broken "У нас сломалось" "Something broke on our side";
    err_broken_do "Повторите через минуту. Если не поможет, назовите администратору номер:" "Try again in a minute. If it does not help, give the administrator this number:";
    r_resolved "Кейс уже разрешён. Чтобы продолжить, откройте его снова." "The case is resolved already. Reopen it to go on.";
    r_not_resolved "Кейс ещё не разрешён." "The case is not resolved yet.";
    r_no_case "У разговора ещё нет кейса." "The conversation has no case yet.";
    r_already_open "Кейс по этому разговору уже открыт." "The conversation already has a case.";
    r_incomplete "В решении чего-то не хватает." "The resolution lacks something.";
}

/// Returns the Russian word that goes with a number: 1 кейс, 2 кейса, 5 кейсов.
pub fn ru_plural(count: i64, one: &'static str, few: &'static str, many: &'static str) -> &'static str {
    match (count.unsigned_abs() % 10, count.unsigned_abs() % 100) {
        (1, tens) if tens != 11 => one,
        (2..=4, tens) if !(12..=14).contains(&tens) => few,
        _ => many,
    }
}

/// Returns the English word that goes with a number.
pub fn en_plural(count: i64, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_counts_take_three_forms() {
        let word = |count| ru_plural(count, "кейс", "кейса", "кейсов");
        let words: Vec<&str> = [1, 2, 5, 11, 12, 14, 21, 22, 101, 111, 0].map(word).to_vec();
        let expected = [
            "кейс",
            "кейса",
            "кейсов",
            "кейсов",
            "кейсов",
            "кейсов",
            "кейс",
            "кейса",
            "кейс",
            "кейсов",
            "кейсов",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn no_text_is_empty_and_none_ends_in_a_space() {
        for (name, text) in RU.all().into_iter().chain(EN.all()) {
            assert!(!text.is_empty() && text.trim() == text, "{name}: {text:?}");
        }
    }
}
